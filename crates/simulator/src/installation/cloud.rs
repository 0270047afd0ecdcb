//! Random events of the installation's sources: out of order, twice, late, ahead, disputed, and with other contents of
//! known keys.

use std::fmt::Write as _;

use jiff::Timestamp;
use kopeck_ledger::name::Moment;

use super::cast;
use crate::draw::Draw;

/// Nanoseconds of a second.
pub const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// Makes events.
#[derive(Debug, Default)]
pub struct Cloud {
    /// Events so far: each new one has an id of its own.
    events: u64,
    /// Lines that were sent.
    sent: Vec<String>,
    /// When the installation began, in nanoseconds of Unix time.
    since: i64,
    /// When it last sent, in nanoseconds of Unix time: by a clock that was set back since, what it sent lies ahead.
    latest: i64,
    /// The ids of holds, which jobs and calls may name.
    pub holds: Vec<String>,
}

impl Cloud {
    /// Of an installation that began at an instant, in nanoseconds of Unix time.
    pub fn since(since: i64) -> Cloud {
        Cloud { since, ..Cloud::default() }
    }

    /// Some events around an instant.
    pub fn lines(&mut self, draw: &mut Draw, now: Moment) -> Vec<String> {
        let count = 1 + draw.below(4);
        self.latest = self.latest.max(now.nanoseconds());
        let lines: Vec<String> = (0..count).map(|_| self.line(draw, now)).collect();
        self.sent.extend(lines.iter().cloned());
        lines
    }

    fn line(&mut self, draw: &mut Draw, now: Moment) -> String {
        let is_ahead = now.nanoseconds() < self.latest;
        if let Some(sent) = draw.of(&self.sent).cloned().filter(|_| !is_ahead && draw.percent(8)) {
            // The same once more, or something else under its key.
            return if draw.percent(50) { sent } else { sent.replacen("\"vcpu\":", "\"vcpu\":1", 1) };
        }
        match draw.below(10) {
            0..6 => self.machine(draw, now),
            6 => self.calls_of_a_cloud(draw, now),
            7..9 => self.job(draw, now),
            _ => {
                if draw.percent(50) {
                    self.call(draw, now)
                } else {
                    self.volume(draw, now)
                }
            }
        }
    }

    /// Mostly just now; sometimes days ago, or somewhat ahead.
    fn time(draw: &mut Draw, now: Moment) -> i64 {
        let by = match draw.below(10) {
            0..6 => -draw.between(0, 600),
            6..8 => -draw.between(0, 3 * DAY),
            8 => -draw.between(0, 40 * DAY),
            _ => draw.between(0, 800),
        };
        now.nanoseconds() + by * SECOND + draw.pick([0, 1, 500_000_000])
    }

    /// A state of a machine. Each belongs to one project and source; now and then an event names another project.
    fn machine(&mut self, draw: &mut Draw, now: Moment) -> String {
        // The prices of its own begin a day after the installation does: what runs before is another rule's matter.
        let has_deal = now.nanoseconds() > self.since + 2 * DAY * SECOND;
        let number = draw.below(if has_deal { 8 } else { 4 });
        let (project, cloud) = match number {
            0..2 => ("acme", "cloud://a"),
            2 => ("beta", "cloud://b"),
            3 => ("acme", "metal://m"),
            4..6 => ("gamma", "cloud://g"),
            6 => ("gamma", "metal://m"),
            _ => ("beta", "metal://m"),
        };
        let mut time = Self::time(draw, now);
        if number > 3 {
            time = time.max(self.since + 2 * DAY * SECOND);
        }
        let disputed = number < 3 && draw.percent(6);
        let project = if disputed { draw.pick(["acme", "beta"]) } else { project };
        let state = draw.pick(["RUNNING", "RUNNING", "RUNNING", "STOPPED", "STARTING", "DELETED", "ODD"]);
        let (vcpu, gb) = (1 + draw.below(8), draw.below(50));
        let data = format!(
            "{{\"kind\":\"vm\",\"state\":\"{state}\",\"attributes\":{{\"vcpu\":{vcpu},\"gb\":\"{gb}.5\"}}}}"
        );
        self.event(("kopeck.state.v1", cloud, &format!("vm-{number}")), (project, time, None), &data)
    }

    fn calls_of_a_cloud(&mut self, draw: &mut Draw, now: Moment) -> String {
        let data = format!("{{\"kind\":\"call\",\"attributes\":{{\"n\":\"{}.25\"}}}}", draw.below(60));
        let time = Self::time(draw, now);
        let project = draw.pick(["acme", "beta"]);
        self.event(("kopeck.usage.v1", "cloud://a", "api"), (project, time, None), &data)
    }

    /// A job, which is paid by itself: by nobody's right, by the customer's key or role, by a hold, or by an unknown one.
    fn job(&mut self, draw: &mut Draw, now: Moment) -> String {
        let right = match draw.below(7) {
            0 => Some(cast::id(cast::KEY).to_string()),
            1 => Some(cast::id(cast::GRANT).to_string()),
            2 => Some("nothing".to_owned()),
            3..5 => draw.of(&self.holds).cloned(),
            _ => None,
        };
        let (cores, gpus, mb, seconds) =
            (1 + draw.below(16), draw.below(3), draw.below(64_000), draw.below(100_000));
        let data = format!(
            "{{\"kind\":\"job\",\"attributes\":{{\"cores\":{cores},\"gpus\":{gpus},\"ram_mb\":{mb},\"duration_s\":{seconds}}}}}"
        );
        let time = Self::time(draw, now);
        let project = draw.pick(["acme", "beta", "gamma"]);
        let subject = format!("job-{}", self.events);
        self.event(("kopeck.usage.v1", "executor://1", &subject), (project, time, right.as_deref()), &data)
    }

    /// A call of the API of `acme`; one without a key is nobody's to pay.
    fn call(&mut self, draw: &mut Draw, now: Moment) -> String {
        let hold = draw.of(&self.holds).cloned().filter(|_| draw.percent(40));
        let right = hold.or_else(|| draw.percent(75).then(|| cast::id(cast::KEY).to_string()));
        let data = format!("{{\"kind\":\"api_call\",\"attributes\":{{\"calls\":{}}}}}", draw.below(30));
        let time = Self::time(draw, now);
        let subject = format!("call-{}", self.events);
        self.event(("kopeck.usage.v1", "api://1", &subject), ("acme", time, right.as_deref()), &data)
    }

    /// What a bucket takes just now.
    fn volume(&mut self, draw: &mut Draw, now: Moment) -> String {
        let data = format!("{{\"kind\":\"s3\",\"attributes\":{{\"mb\":{}}}}}", draw.below(5_000));
        let time = now.nanoseconds() - draw.between(0, 60) * SECOND;
        let (project, bucket) = draw.pick([("acme", "one"), ("acme", "two"), ("gamma", "three")]);
        self.event(("kopeck.usage.v1", "s3://1", bucket), (project, time, None), &data)
    }

    fn event(
        &mut self,
        (kind, source, subject): (&str, &str, &str),
        (project, time, right): (&str, i64, Option<&str>),
        data: &str,
    ) -> String {
        self.events += 1;
        let id = self.events;
        let time = Timestamp::from_nanosecond(i128::from(time)).unwrap();
        let mut line = format!(
            "{{\"specversion\":\"1.0\",\"type\":\"{kind}\",\"source\":\"{source}\",\"id\":\"e{id}\",\"time\":\"{time}\",\"subject\":\"{subject}\",\"project\":\"{project}\","
        );
        if let Some(right) = right {
            // Writing to a text does not fail.
            let _ = write!(line, "\"authorisation\":\"{right}\",");
        }
        let _ = write!(line, "\"data\":{data}}}");
        line
    }
}
