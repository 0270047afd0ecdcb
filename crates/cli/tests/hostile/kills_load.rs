//! The load under which a server dies: what its clients send, and what they were answered.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::server::{Client, PATIENCE, Server, TOKEN};

/// Clients that send events.
const SENDERS: usize = 3;
/// Clients that move money.
const PAYERS: usize = 2;
/// Events of a request, at most.
const BATCH: usize = 25;
/// How far the clock is set at a time.
const TICK: SignedDuration = SignedDuration::from_mins(30);
/// How far the clock may be ahead of the events that were not sent yet.
const AHEAD: SignedDuration = SignedDuration::from_hours(6);

/// A usage event.
#[derive(Debug, Clone)]
pub struct Event {
    /// As it is sent.
    pub line: String,
    /// Its source and id.
    pub key: (String, String),
    /// Whose cost it is.
    pub project: String,
    /// Its time.
    pub at: Timestamp,
}

impl Event {
    pub fn read(line: &str) -> Event {
        let event: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| event[name].as_str().unwrap();
        Event {
            line: line.to_owned(),
            key: (text("source").to_owned(), text("id").to_owned()),
            project: text("project").to_owned(),
            at: text("time").parse().unwrap(),
        }
    }
}

/// A transfer that was answered.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// Its name.
    pub key: String,
    /// What was answered.
    pub answer: Value,
}

/// What was sent, and what came of it.
pub struct Load {
    log: Mutex<Log>,
    from: String,
    to: String,
}

/// What clients write down.
#[derive(Debug)]
struct Log {
    /// Not sent yet, the earliest last.
    waiting: Vec<Event>,
    /// Sent, and perhaps accepted: the server died before it answered.
    unanswered: Vec<Vec<Event>>,
    accepted: Vec<Event>,
    /// Transfers are numbered.
    named: usize,
    unanswered_transfers: Vec<String>,
    transfers: Vec<Transfer>,
    /// Where the clock is known to stand.
    clock: Timestamp,
    /// Where it may stand: where it was last asked to.
    clock_asked: Timestamp,
}

impl Load {
    /// Events in the order of their times, and the accounts that money moves between.
    pub fn new(mut events: Vec<Event>, clock: Timestamp, [from, to]: [String; 2]) -> Load {
        events.reverse();
        let log = Log {
            waiting: events,
            unanswered: Vec::new(),
            accepted: Vec::new(),
            named: 0,
            unanswered_transfers: Vec::new(),
            transfers: Vec::new(),
            clock,
            clock_asked: clock,
        };
        Load { log: Mutex::new(log), from, to }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap()
    }

    /// Sends with all clients at once until so many events were acknowledged, then kills the server under them.
    pub fn run_and_kill(&self, server: &mut Server, events: usize) {
        self.run_until(server, events, || ());
    }

    /// As [`Load::run_and_kill`], but does something before, while the clients go on.
    pub fn run_until(&self, server: &mut Server, events: usize, then: impl FnOnce()) {
        let (acknowledged, count): (Sender<usize>, Receiver<usize>) = channel();
        let address = server.address.clone();
        std::thread::scope(|scope| {
            for _ in 0..SENDERS {
                let (acknowledged, address) = (acknowledged.clone(), &address);
                scope.spawn(move || self.send_events(address, &acknowledged));
            }
            for _ in 0..PAYERS {
                scope.spawn(|| self.send_transfers(&address));
            }
            scope.spawn(|| self.set_clock(&address));
            drop(acknowledged);
            let mut seen = 0;
            while seen < events {
                // Nothing comes any more where a client has failed, which tells why when the server is gone.
                let Ok(more) = count.recv_timeout(PATIENCE) else { break };
                seen += more;
            }
            // A failure is told when the clients have ended, which they do when the server is gone.
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(then));
            server.kill();
            if let Err(failure) = done {
                std::panic::resume_unwind(failure);
            }
            assert!(seen >= events, "{seen} events were acknowledged, and then none");
        });
    }

    /// Sends events until the server is gone; where the clock has not come to new ones, old ones.
    fn send_events(&self, address: &str, acknowledged: &Sender<usize>) {
        let Ok(mut client) = Client::connect(address, TOKEN) else { return };
        loop {
            let (batch, is_new) = self.log().next_batch();
            let Ok((status, said)) = self.send(&mut client, &batch) else {
                if is_new {
                    self.log().unanswered.push(batch);
                }
                return;
            };
            let expected = if is_new { [batch.len(), 0] } else { [0, batch.len()] };
            let expected = json!({"accepted": expected[0], "duplicates": expected[1], "refused": []});
            assert_eq!((status, said), (200, expected));
            if is_new {
                self.log().accepted.extend(batch.iter().cloned());
                // Nobody listens any more once the server is being killed.
                let _ = acknowledged.send(batch.len());
            }
        }
    }

    /// Sends events, again where the server says that it has too much to do.
    pub fn send(&self, client: &mut Client, batch: &[Event]) -> io::Result<(u16, Value)> {
        let lines: Vec<&str> = batch.iter().map(|event| event.line.as_str()).collect();
        let (body, kind) = (lines.join("\n"), [("Content-Type", "application/x-ndjson")]);
        loop {
            let answer = client.send("POST /v1/events", &kind, body.as_bytes())?;
            if answer.0 != 429 {
                return Ok(answer);
            }
        }
    }

    fn send_transfers(&self, address: &str) {
        let Ok(mut client) = Client::connect(address, TOKEN) else { return };
        loop {
            let key = self.log().next_key();
            let Ok((status, answer)) = self.transfer(&mut client, &key) else {
                self.log().unanswered_transfers.push(key);
                return;
            };
            assert_eq!(status, 201, "{answer}");
            self.log().transfers.push(Transfer { key, answer });
        }
    }

    fn transfer(&self, client: &mut Client, key: &str) -> io::Result<(u16, Value)> {
        let (from, to) = (&self.from, &self.to);
        let body = json!({"type": "transfer", "from": from, "to": to, "amount": "1", "currency": "RUB"});
        client.ask("POST /v1/transactions", key, &body)
    }

    /// Sets the clock ahead as long as events wait for it, and otherwise looks what has been spent.
    fn set_clock(&self, address: &str) {
        let Ok(mut client) = Client::connect(address, TOKEN) else { return };
        loop {
            let to = self.log().next_tick();
            let answered = match to {
                Some(to) => client.ask("POST /v1/clock", "-", &json!({"now": to.to_string()})),
                None => client.ask("GET /v1/ledger/verify", "-", &Value::Null),
            };
            let Ok((status, answer)) = answered else { return };
            assert_eq!(status, 200, "{to:?}: {answer}");
            if let Some(to) = to {
                self.log().clock = to;
            }
        }
    }

    /// Sends what was not answered before the server died.
    pub fn send_again(&self, server: &Server) {
        let mut client = server.client();
        let unanswered = std::mem::take(&mut self.log().unanswered);
        for batch in unanswered {
            let (status, said) = self.send(&mut client, &batch).unwrap();
            let known = said["accepted"].as_u64().unwrap() + said["duplicates"].as_u64().unwrap();
            assert_eq!((status, known, &said["refused"]), (200, batch.len() as u64, &json!([])), "{said}");
            self.log().accepted.extend(batch);
        }
        let unanswered = std::mem::take(&mut self.log().unanswered_transfers);
        for key in unanswered {
            let (status, answer) = self.transfer(&mut client, &key).unwrap();
            assert_eq!(status, 201, "{answer}");
            self.log().transfers.push(Transfer { key, answer });
        }
    }

    /// Sends everything that was acknowledged again, to a server that may have seen only some of it.
    pub fn send_all_again(&self, server: &Server) {
        let mut client = server.client();
        for batch in self.acknowledged_events().chunks(2_000) {
            let (status, said) = self.send(&mut client, batch).unwrap();
            assert_eq!((status, &said["refused"]), (200, &json!([])), "{said}");
        }
        for Transfer { key, .. } in self.acknowledged_transfers() {
            let (status, answer) = self.transfer(&mut client, &key).unwrap();
            assert_eq!(status, 201, "{answer}");
        }
    }

    /// Sends what is left, and sets the clock to after all of it.
    pub fn finish(&self, server: &Server) {
        let mut client = server.client();
        let mut rest = std::mem::take(&mut self.log().waiting);
        rest.reverse();
        let last = rest.last().map_or(self.clock_asked(), |event| event.at.max(self.clock_asked()));
        let last = Timestamp::from_second(last.as_second() + 3 * 3_600 + 17).unwrap();
        let (status, answer) = client.ask("POST /v1/clock", "-", &json!({"now": last.to_string()})).unwrap();
        assert_eq!(status, 200, "{answer}");
        self.log().clock_asked = last;
        for batch in rest.chunks(BATCH) {
            let (status, said) = self.send(&mut client, batch).unwrap();
            assert_eq!((status, &said["accepted"]), (200, &json!(batch.len())), "{said}");
        }
        self.log().accepted.extend(rest);
        // Everything is posted up to an instant that the clock is set to.
        let end = Timestamp::from_second(last.as_second() + 3_600).unwrap();
        let (status, answer) = client.ask("POST /v1/clock", "-", &json!({"now": end.to_string()})).unwrap();
        assert_eq!(status, 200, "{answer}");
        self.log().clock_asked = end;
    }

    /// Where the clock may stand.
    pub fn clock_asked(&self) -> Timestamp {
        self.log().clock_asked
    }

    pub fn events_left(&self) -> usize {
        self.log().waiting.len()
    }

    pub fn acknowledged_events(&self) -> Vec<Event> {
        self.log().accepted.clone()
    }

    pub fn acknowledged_transfers(&self) -> Vec<Transfer> {
        self.log().transfers.clone()
    }

    /// What was done, for whoever watches the test.
    pub fn summary(&self) -> String {
        let log = self.log();
        format!(
            "{} events and {} transfers acknowledged, the clock at {}",
            log.accepted.len(),
            log.transfers.len(),
            log.clock_asked
        )
    }
}

impl Log {
    /// Events whose time has come and that were not sent; or some that were accepted.
    fn next_batch(&mut self) -> (Vec<Event>, bool) {
        let come = self.waiting.iter().rev().take_while(|event| event.at <= self.clock).count().min(BATCH);
        if come == 0 {
            return (self.accepted.iter().rev().take(3).cloned().collect(), false);
        }
        let mut batch = self.waiting.split_off(self.waiting.len() - come);
        batch.reverse();
        (batch, true)
    }

    fn next_key(&mut self) -> String {
        self.named += 1;
        format!("0199a000-0000-7000-9000-{:012}", self.named)
    }

    fn next_tick(&mut self) -> Option<Timestamp> {
        let to = self.clock_asked.max(self.clock) + TICK;
        let latest = self.waiting.last()?.at + AHEAD;
        if to > latest {
            return None;
        }
        self.clock_asked = to;
        Some(to)
    }
}
