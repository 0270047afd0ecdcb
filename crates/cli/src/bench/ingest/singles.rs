//! Single transactions over HTTP, one request each.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use uuid::Uuid;

use crate::bench::ingest::broken;
use crate::bench::ingest::cloud::fund;
use crate::caller::Caller;
use crate::failure::Failure;

/// Accounts that money moves between.
pub struct Accounts(Vec<Uuid>);

impl Accounts {
    /// So many, with money.
    pub fn new(operator: &Caller, count: u32) -> Result<Accounts, Failure> {
        let ids: Vec<_> = (0..count.max(2)).map(|_| Uuid::now_v7()).collect();
        for id in &ids {
            operator.post("/v1/users", &json!({"id": id, "name": format!("User {id}")}))?;
            fund(operator, *id)?;
        }
        Ok(Accounts(ids))
    }

    /// Each client moves money so many times, one request after the other: how long each took, sorted.
    pub fn transfer(&self, operator: &Caller, clients: u32, each: u32) -> Result<Vec<Duration>, Failure> {
        let mut times = thread::scope(|scope| {
            let clients: Vec<_> = (0..clients as usize)
                .map(|client| {
                    let from = self.0[client % self.0.len()];
                    let to = self.0[(client + 1) % self.0.len()];
                    scope.spawn(move || one_client(&operator.apart(), (from, to), each))
                })
                .collect();
            let mut times = Vec::new();
            for client in clients {
                times.extend(client.join().unwrap_or_else(|_| Err(broken("a client that broke")))?);
            }
            Ok::<_, Failure>(times)
        })?;
        times.sort_unstable();
        Ok(times)
    }
}

fn one_client(caller: &Caller, (from, to): (Uuid, Uuid), each: u32) -> Result<Vec<Duration>, Failure> {
    let body = json!({"type": "transfer", "from": from, "to": to, "amount": "0.01", "currency": "RUB"});
    // The connection is made before it is measured.
    caller.post_once("/v1/transactions", Uuid::now_v7(), &body)?;
    let one = |_| {
        let (id, begun) = (Uuid::now_v7(), Instant::now());
        caller.post_once("/v1/transactions", id, &body)?;
        Ok(begun.elapsed())
    };
    (0..each).map(one).collect()
}
