//! What can go wrong between a store and its server, and processes that are stopped.

use std::env;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use kopeck_store::faults::{Fate, Faults, Point};

use super::Server;

/// Names the database to a process that a test starts.
pub const ADDRESS: &str = "KOPECK_TEST_DATABASE";
/// Ends all other connections to the database, and waits until they are gone.
pub const END_ALL: &str = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity \
                           WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Does something at a point of a commit, once.
#[derive(Clone, Default)]
pub struct Once(Arc<Mutex<Option<(Point, Fate, String)>>>);

impl Once {
    pub fn at(&self, point: Point, fate: Fate, statements: &str) {
        *self.0.lock().unwrap() = Some((point, fate, statements.to_owned()));
    }

    /// What does it, in a database of a server.
    pub fn in_database(&self, server: &Arc<Server>, name: &str) -> Box<dyn Faults> {
        Box::new(Trouble(self.clone(), Arc::clone(server), name.to_owned()))
    }
}

struct Trouble(Once, Arc<Server>, String);

impl Faults for Trouble {
    fn at(&mut self, point: Point, _: &Path) -> Fate {
        let mut once = self.0.0.lock().unwrap();
        let Some((_, fate, statements)) = once.take_if(|(when, ..)| *when == point) else {
            return Fate::GoOn;
        };
        self.1.psql(&self.2, &statements);
        fate
    }
}

/// Runs an ignored test of this program in a process of its own.
pub fn child(test: &str, address: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", test, "--nocapture"])
        .env(ADDRESS, address)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Sends a process a signal.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}
