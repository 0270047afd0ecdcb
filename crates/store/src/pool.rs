//! A few connections that readers take turns with.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::error::StoreError;

/// Readers at once; more wait their turn.
const READERS: usize = 4;

/// The connections to one database that are not in use; more are made when they are needed, up to four in all.
#[derive(Debug)]
pub struct Pool<C> {
    idle: Mutex<Idle<C>>,
    returned: Condvar,
}

#[derive(Debug)]
struct Idle<C> {
    connections: Vec<C>,
    /// How many exist, idle or not.
    made: usize,
}

impl<C> Default for Pool<C> {
    fn default() -> Pool<C> {
        Pool { idle: Mutex::new(Idle { connections: Vec::new(), made: 0 }), returned: Condvar::new() }
    }
}

impl<C> Pool<C> {
    /// Works with one of the connections; waits while all are in use. One that is not `usable` is thrown away, before
    /// the work or after it.
    ///
    /// # Errors
    /// What `work` answers, or why no connection can be made.
    pub fn with<T>(
        &self,
        make: impl FnOnce() -> Result<C, StoreError>,
        usable: impl Fn(&C) -> bool,
        work: impl FnOnce(&C) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let connection = match self.take(&usable) {
            Some(connection) => connection,
            None => make().inspect_err(|_| self.put_back(None))?,
        };
        let done = work(&connection);
        self.put_back(usable(&connection).then_some(connection));
        done
    }

    /// An idle connection; `None` where a new one is to be made, which is counted already.
    fn take(&self, usable: impl Fn(&C) -> bool) -> Option<C> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match idle.connections.pop() {
                Some(connection) if usable(&connection) => return Some(connection),
                Some(_) => idle.made -= 1,
                None if idle.made < READERS => {
                    idle.made += 1;
                    return None;
                }
                None => idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn put_back(&self, connection: Option<C>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        match connection {
            Some(connection) => idle.connections.push(connection),
            None => idle.made -= 1,
        }
        drop(idle);
        self.returned.notify_one();
    }
}
