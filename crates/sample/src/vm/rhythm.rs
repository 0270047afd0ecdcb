//! When things happen to a VM: a VM takes one step at a time, and each step says when the next one is.
//!
//! Steps are at least a few minutes apart, so what a step makes is over before the next one begins.

use crate::clock::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::stage::Stage;
use crate::vm::Vm;

/// What a VM is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Runs in working hours.
    Office,
    /// Runs for months.
    Server,
    /// Lives for minutes.
    Ci,
}

use Profile::{Ci, Office, Server};

/// The profiles of places 0 to 19, which repeat: any fleet of four VMs has each of them.
const PROFILES: [Profile; 20] = [
    Office, Server, Office, Ci, Office, Server, Office, Office, Server, Office, Server, Office, Ci, Office,
    Server, Office, Office, Server, Office, Server,
];

/// What a VM does in its next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It existed before the sample began: a collector reports it.
    Report,
    /// A new one is created.
    Create,
    /// An office VM is started.
    Start,
    /// Something happens to it while it runs.
    Care,
    /// An office VM is stopped.
    Stop,
    /// It is deleted, and a new one takes its place.
    Delete,
}

/// The mean pause between two CI machines of one place, in working hours.
const CI_PAUSE_MS: u64 = 80 * MINUTE_MS;

impl Profile {
    /// The profile of the VMs that follow one another in a place.
    pub fn of_place(place: usize) -> Profile {
        PROFILES[place % PROFILES.len()]
    }

    /// What the first VM of a place does first.
    pub fn first_phase(self) -> Phase {
        if self == Ci { Phase::Create } else { Phase::Report }
    }
}

impl Vm {
    /// When the first step is: a collector reports a fleet within ten minutes.
    pub fn first_step_ms(&self, stage: &mut Stage) -> u64 {
        match self.phase {
            Phase::Report => stage.draw.below(10 * MINUTE_MS),
            _ => stage.next_ms(0, CI_PAUSE_MS),
        }
    }

    /// Takes the step that is due, and answers when the next one is.
    pub fn step(&mut self, at_ms: u64, stage: &mut Stage) -> u64 {
        let (phase, next_ms) = match self.phase {
            Phase::Report => self.step_report(at_ms, stage),
            Phase::Create => {
                self.create(at_ms, stage);
                self.after_start(at_ms, stage)
            }
            Phase::Start => {
                self.start(at_ms, stage);
                self.after_start(at_ms, stage)
            }
            Phase::Care => self.step_care(at_ms, stage),
            Phase::Stop => self.step_stop(at_ms, stage),
            Phase::Delete => self.step_delete(at_ms, stage),
        };
        self.phase = phase;
        next_ms
    }

    fn step_report(&mut self, at_ms: u64, stage: &mut Stage) -> (Phase, u64) {
        let state = if self.profile == Office { "STOPPED" } else { "RUNNING" };
        self.report(at_ms, state, stage);
        match self.profile {
            Office if stage.clock.is_working_day(at_ms) => {
                (Phase::Start, at_ms / DAY_MS * DAY_MS + self.morning_ms(stage))
            }
            Office => self.next_morning(at_ms, stage),
            Server | Ci => (Phase::Care, at_ms + stage.draw.between(HOUR_MS, 12 * DAY_MS)),
        }
    }

    /// What follows once it runs.
    fn after_start(&self, at_ms: u64, stage: &mut Stage) -> (Phase, u64) {
        match self.profile {
            Office if stage.draw.chance(120) => {
                (Phase::Care, at_ms + stage.draw.between(30 * MINUTE_MS, 6 * HOUR_MS))
            }
            Office => (Phase::Stop, self.this_evening_ms(at_ms, stage)),
            Server => self.next_care(at_ms, stage),
            Ci => (Phase::Delete, at_ms + stage.draw.between(3 * MINUTE_MS, 45 * MINUTE_MS)),
        }
    }

    fn step_care(&mut self, at_ms: u64, stage: &mut Stage) -> (Phase, u64) {
        match stage.draw.below(10) {
            0..4 => self.reboot(at_ms, stage),
            4..6 => self.resize(at_ms, stage),
            6..8 => self.grow(at_ms, stage),
            // Somebody looked, and all was well.
            _ => {}
        }
        if self.profile == Office {
            return (Phase::Stop, self.this_evening_ms(at_ms, stage));
        }
        if self.keeps_checkpoints {
            self.checkpoint(at_ms + 3 * MINUTE_MS, stage);
        }
        self.next_care(at_ms, stage)
    }

    fn next_care(&self, at_ms: u64, stage: &mut Stage) -> (Phase, u64) {
        let next_ms = at_ms + stage.draw.between(10 * HOUR_MS, 10 * DAY_MS);
        if next_ms < self.lives_until_ms { (Phase::Care, next_ms) } else { (Phase::Delete, next_ms) }
    }

    fn step_stop(&mut self, at_ms: u64, stage: &mut Stage) -> (Phase, u64) {
        if stage.draw.chance(40) {
            // Forgotten: it runs until the next evening that somebody works.
            let next_day = stage.clock.next_working_day_ms(at_ms);
            return (Phase::Stop, self.this_evening_ms(next_day, stage));
        }
        self.stop(at_ms, stage);
        if self.keeps_checkpoints && stage.clock.weekday(at_ms) == 4 {
            self.checkpoint(at_ms + 3 * MINUTE_MS, stage);
        }
        if at_ms >= self.lives_until_ms {
            return (Phase::Delete, at_ms + stage.draw.between(10 * MINUTE_MS, 2 * HOUR_MS));
        }
        self.next_morning(at_ms, stage)
    }

    fn step_delete(&mut self, at_ms: u64, stage: &mut Stage) -> (Phase, u64) {
        self.delete(at_ms, stage);
        self.replace(at_ms, stage);
        let next_ms = match self.profile {
            Office => self.next_morning(at_ms, stage).1,
            Server => stage.next_ms(at_ms, 2 * HOUR_MS),
            Ci => stage.next_ms(at_ms, CI_PAUSE_MS),
        };
        (Phase::Create, next_ms)
    }

    /// The next working day, or the one after it where its owner is away.
    fn next_morning(&self, at_ms: u64, stage: &mut Stage) -> (Phase, u64) {
        let mut day_ms = stage.clock.next_working_day_ms(at_ms);
        if stage.draw.chance(60) {
            day_ms = stage.clock.next_working_day_ms(day_ms);
        }
        (Phase::Start, day_ms + self.morning_ms(stage))
    }

    fn morning_ms(&self, stage: &mut Stage) -> u64 {
        self.morning_min * MINUTE_MS + stage.draw.below(30 * MINUTE_MS)
    }

    fn this_evening_ms(&self, at_ms: u64, stage: &mut Stage) -> u64 {
        at_ms / DAY_MS * DAY_MS + self.evening_min * MINUTE_MS + stage.draw.below(40 * MINUTE_MS)
    }
}
