//! The faulty disk: what goes wrong at the points of a commit, and pictures of the files for crashes at every write.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use kopeck_store::faults::{CrashImage, Fate, Faults, Point};

/// What one commit meets, and what its files were.
#[derive(Debug, Default)]
struct Script {
    fault: Option<(Point, Fate)>,
    takes_pictures: bool,
    pictures: Vec<(Point, CrashImage)>,
    /// How many points were come to.
    points: u64,
}

/// The script of a disk, which its store reads and the simulator writes.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<Mutex<Script>>);

impl Disk {
    /// The next commits meet this fault, and are pictured or not.
    pub fn prepare(&self, fault: Option<(Point, Fate)>, takes_pictures: bool) {
        let mut script = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *script = Script { fault, takes_pictures, pictures: Vec::new(), points: script.points };
    }

    /// The pictures that were taken since.
    pub fn pictures(&self) -> Vec<(Point, CrashImage)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).pictures)
    }

    /// How many points of commits were come to.
    pub fn points(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).points
    }
}

impl Faults for Disk {
    fn at(&mut self, point: Point, folder: &Path) -> Fate {
        let mut script = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        script.points += 1;
        if script.takes_pictures {
            // A picture that can not be taken is a fault of the machine, not of the ledger.
            script.pictures.push((point, CrashImage::take(folder).unwrap()));
        }
        match &script.fault {
            Some((when, fate)) if *when == point => fate.clone(),
            _ => Fate::GoOn,
        }
    }
}
