//! Pictures of a whole data folder: what the files of all three stores are when one of them comes to a point of a commit.
//! And what goes wrong there: a disk that is full, or does not tell whether it has written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kopeck_store::faults::{Fate, Faults, Point};

use crate::bank::Outcome;
use crate::draw::Draw;

/// A data folder as a process that is killed at that instant leaves it.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Which store was at which point of a commit.
    pub at: (&'static str, Point),
    /// The instant, in nanoseconds of Unix time.
    pub clock: i64,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Picture {
    fn take(folder: &Path, at: (&'static str, Point), clock: i64) -> std::io::Result<Picture> {
        let mut files = BTreeMap::new();
        let mut folders = vec![folder.to_path_buf()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(&next)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(bytes) = fs::read(&path) {
                    // Runs of keys come and go while others are read.
                    files.insert(path.strip_prefix(folder).unwrap_or(&path).to_path_buf(), bytes);
                }
            }
        }
        // What processes share is gone with the last of them.
        files.retain(|path, _| !path.to_string_lossy().ends_with("-shm"));
        Ok(Picture { at, clock, files })
    }

    /// Makes these the files of an empty folder.
    pub fn write_to(&self, folder: &Path) -> Outcome<()> {
        let told = |error| format!("laying out the files of a crash: {error}");
        for (path, bytes) in &self.files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(told)?;
            fs::write(&path, bytes).map_err(told)?;
        }
        Ok(())
    }
}

/// What is pictured of one operation: so many of its points, each as likely as the others.
#[derive(Debug)]
struct Film {
    draw: Draw,
    room: usize,
    /// Points since the film was put in.
    seen: u64,
    pictures: Vec<Picture>,
}

/// What goes wrong with the disk of one store until it is mended.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// Whose commits.
    pub store: &'static str,
    /// At which point of each.
    pub point: Point,
    /// What happens there.
    pub fate: Fate,
}

/// Takes pictures for all stores of one installation, and makes trouble for them.
#[derive(Debug, Clone)]
pub struct Camera {
    film: Arc<Mutex<Film>>,
    trouble: Arc<Mutex<Option<Trouble>>>,
    clock: Arc<AtomicI64>,
}

impl Camera {
    /// One without room for pictures, at that clock.
    pub fn new(clock: Arc<AtomicI64>) -> Camera {
        let film = Film { draw: Draw::new(0), room: 0, seen: 0, pictures: Vec::new() };
        Camera { film: Arc::new(Mutex::new(film)), trouble: Arc::default(), clock }
    }

    /// Pictures so many points from now on.
    pub fn load(&self, seed: u64, room: usize) {
        *self.film() = Film { draw: Draw::new(seed), room, seen: 0, pictures: Vec::new() };
    }

    /// The pictures since, and how many points there were.
    pub fn develop(&self) -> (Vec<Picture>, u64) {
        let mut film = self.film();
        film.room = 0;
        (std::mem::take(&mut film.pictures), film.seen)
    }

    /// From now on this goes wrong, or nothing does.
    pub fn trouble(&self, trouble: Option<Trouble>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// For one store.
    pub fn lens(&self, store: &'static str) -> Box<dyn Faults> {
        Box::new(Lens { camera: self.clone(), store })
    }

    fn film(&self) -> MutexGuard<'_, Film> {
        self.film.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Lens {
    camera: Camera,
    store: &'static str,
}

impl Faults for Lens {
    fn at(&mut self, point: Point, folder: &Path) -> Fate {
        let clock = self.camera.clock.load(Ordering::Relaxed);
        let mut film = self.camera.film();
        film.seen += 1;
        let place = if film.pictures.len() < film.room {
            Some(film.pictures.len())
        } else {
            let seen = film.seen;
            let drawn = usize::try_from(film.draw.below(seen)).ok();
            drawn.filter(|drawn| *drawn < film.room)
        };
        if let Some(place) = place {
            // A picture that can not be taken is a fault of the machine, not of the stores.
            let picture = Picture::take(folder, (self.store, point), clock).unwrap();
            if place < film.pictures.len() {
                film.pictures[place] = picture;
            } else {
                film.pictures.push(picture);
            }
        }
        drop(film);
        let trouble = self.camera.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let met = trouble.as_ref().filter(|trouble| trouble.store == self.store && trouble.point == point);
        met.map_or(Fate::GoOn, |trouble| trouble.fate.clone())
    }
}
