//! A VM with its volumes and its checkpoint: what it is, and the events of what can happen to it.
//!
//! Every event of a life tells the whole of the resource; the last, `DELETED`, has no attributes. When things happen
//! is in [`rhythm`].

pub mod rhythm;

use std::slice;

use crate::clock::{DAY_MS, SECOND_MS};
use crate::names::Project;
use crate::stage::{Event, Name, Region, Stage, Value};
use rhythm::{Phase, Profile};

/// vCPUs and GB of RAM, from small to large.
const FLAVOURS: [(u64, u64); 11] =
    [(1, 1), (1, 2), (2, 2), (2, 4), (2, 8), (4, 8), (4, 16), (8, 16), (8, 32), (16, 64), (32, 128)];
const SMALLEST_FOR_WINDOWS: usize = 3;
const LINUX: [&str; 5] = ["debian-12", "ubuntu-24.04", "ubuntu-24.04", "debian-13", "alma-9"];
const WINDOWS: [&str; 3] = ["windows-2022", "windows-2022", "windows-2025"];
const LINUX_DISKS_GB: [u64; 5] = [20, 30, 40, 50, 80];
const WINDOWS_DISKS_GB: [u64; 4] = [60, 80, 120, 200];
const DATA_DISKS_GB: [u64; 6] = [50, 100, 150, 250, 500, 1_000];
/// An SQL server is licensed for its cores, and for four at least.
const FEWEST_SQL_CORES: u64 = 4;
const DATA_TIERS: [&str; 3] = ["sas", "sas", "ssd"];

/// A place in the fleet and the VM that stands there now.
#[derive(Debug)]
pub struct Vm {
    profile: Profile,
    phase: Phase,
    /// Where in the working morning and evening its owner starts and stops it, in minutes of the day.
    morning_min: u64,
    evening_min: u64,
    keeps_checkpoints: bool,
    region: &'static Region,
    project: Project,
    /// Who works with it.
    owner: &'static str,
    /// From 1 on, and never used again.
    number: u64,
    /// From then on it is deleted at the next occasion.
    lives_until_ms: u64,
    flavour: usize,
    os: &'static str,
    disk_gb: u64,
    /// 0 is no data volume.
    data_gb: u64,
    data_tier: &'static str,
    runs_sql: bool,
    /// How many checkpoints were made of it; only the last one still exists.
    checkpoints: u64,
}

impl Vm {
    /// A place in the fleet, with the VM that stands there first.
    pub fn new(place: usize, stage: &mut Stage) -> Vm {
        let profile = Profile::of_place(place);
        let project = stage.project();
        let mut vm = Vm {
            profile,
            phase: profile.first_phase(),
            morning_min: stage.draw.between(8 * 60, 10 * 60),
            evening_min: stage.draw.between(17 * 60 + 30, 20 * 60),
            keeps_checkpoints: profile != Profile::Ci && place % 4 == 1,
            region: stage.region(),
            project,
            owner: "",
            number: 0,
            lives_until_ms: 0,
            flavour: 0,
            os: "",
            disk_gb: 0,
            data_gb: 0,
            data_tier: "",
            runs_sql: false,
            checkpoints: 0,
        };
        vm.replace(0, stage);
        if vm.keeps_checkpoints {
            vm.checkpoints = 1;
        }
        vm
    }

    /// Puts a new VM in the place of the one that was deleted. It has no event yet.
    fn replace(&mut self, at_ms: u64, stage: &mut Stage) {
        let draw = &mut stage.draw;
        let (flavours, windows_permille, days) = match self.profile {
            Profile::Office => (2..8, 500, 20..300),
            Profile::Server => (1..FLAVOURS.len(), 200, 60..700),
            Profile::Ci => (3..9, 0, 0..1),
        };
        self.flavour = flavours.start + draw.index(flavours.len());
        self.lives_until_ms = at_ms + draw.between(days.start, days.end) * DAY_MS;
        let windows = draw.chance(windows_permille);
        (self.os, self.disk_gb) = match windows {
            true => (draw.pick(&WINDOWS), draw.pick(&WINDOWS_DISKS_GB)),
            false => (draw.pick(&LINUX), draw.pick(&LINUX_DISKS_GB)),
        };
        if windows {
            self.flavour = self.flavour.max(SMALLEST_FOR_WINDOWS);
        }
        self.runs_sql = windows && draw.chance(250);
        let has_data = self.profile == Profile::Server && draw.chance(400);
        self.data_gb = if has_data { draw.pick(&DATA_DISKS_GB) } else { 0 };
        self.data_tier = draw.pick(&DATA_TIERS);
        self.checkpoints = 0;
        self.number = stage.number_vm();
        self.owner = if self.profile == Profile::Ci { "ci-runner" } else { stage.person(self.project) };
    }

    /// What a collector reports of a VM that it sees for the first time.
    fn report(&self, at_ms: u64, state: &str, stage: &mut Stage) {
        self.state(at_ms, state, None, stage);
        self.report_volumes(at_ms, stage);
        if self.checkpoints > 0 {
            self.report_checkpoint(at_ms, stage);
        }
    }

    fn create(&self, at_ms: u64, stage: &mut Stage) {
        self.state(at_ms, "STARTING", Some(self.owner), stage);
        self.report_volumes(at_ms + 2 * SECOND_MS, stage);
        let running_ms = at_ms + stage.draw.between(15 * SECOND_MS, 60 * SECOND_MS);
        self.state(running_ms, "RUNNING", None, stage);
    }

    fn start(&self, at_ms: u64, stage: &mut Stage) {
        self.walk(at_ms, ["STARTING", "RUNNING"], stage);
    }

    fn stop(&self, at_ms: u64, stage: &mut Stage) {
        self.walk(at_ms, ["STOPPING", "STOPPED"], stage);
    }

    fn reboot(&self, at_ms: u64, stage: &mut Stage) {
        self.walk(at_ms, ["REBOOTING", "RUNNING"], stage);
    }

    /// Another flavour, while it is stopped.
    fn resize(&mut self, at_ms: u64, stage: &mut Stage) {
        let stopped_ms = self.walk(at_ms, ["STOPPING", "STOPPED"], stage);
        let larger = stage.draw.chance(650) && self.flavour + 1 < FLAVOURS.len();
        self.flavour = if larger { self.flavour + 1 } else { self.flavour.saturating_sub(1) };
        self.walk(stopped_ms + 5 * SECOND_MS, ["STARTING", "RUNNING"], stage);
    }

    /// A larger volume: the data volume, or the system's where there is none.
    fn grow(&mut self, at_ms: u64, stage: &mut Stage) {
        if self.data_gb > 0 {
            self.data_gb += stage.draw.pick(&DATA_DISKS_GB) / 2;
            self.volume(at_ms, 1, stage);
        } else {
            self.disk_gb += 10 * stage.draw.between(1, 6);
            self.volume(at_ms, 0, stage);
            self.state(at_ms + SECOND_MS, "RUNNING", Some(self.owner), stage);
        }
    }

    /// A new checkpoint in the place of the one before.
    fn checkpoint(&mut self, at_ms: u64, stage: &mut Stage) {
        let before = self.checkpoints;
        self.checkpoints += 1;
        self.report_checkpoint(at_ms, stage);
        if before > 0 {
            self.forget_checkpoint(at_ms + 30 * SECOND_MS, before, stage);
        }
    }

    /// The end of the VM and of all that it had.
    fn delete(&self, at_ms: u64, stage: &mut Stage) {
        self.state(at_ms, "TERMINATING", Some(self.owner), stage);
        let deleted_ms = at_ms + stage.draw.between(5 * SECOND_MS, 40 * SECOND_MS);
        stage.emit(deleted_ms, &Event { state: Some("DELETED"), ..self.event() });
        for volume in 0..=u64::from(self.data_gb > 0) {
            let subject = [self.number, volume];
            let event = self.event_of("volume", Name("vol", &subject));
            stage.emit(deleted_ms + SECOND_MS, &Event { state: Some("DELETED"), ..event });
        }
        if self.checkpoints > 0 {
            self.forget_checkpoint(deleted_ms + 2 * SECOND_MS, self.checkpoints, stage);
        }
    }

    /// Two states, the first by its owner and the second some seconds later, whose instant it answers.
    fn walk(&self, at_ms: u64, [first, second]: [&str; 2], stage: &mut Stage) -> u64 {
        self.state(at_ms, first, Some(self.owner), stage);
        let second_ms = at_ms + stage.draw.between(8 * SECOND_MS, 45 * SECOND_MS);
        self.state(second_ms, second, None, stage);
        second_ms
    }

    fn state(&self, at_ms: u64, state: &str, actor: Option<&str>, stage: &mut Stage) {
        let (vcpu, ram_gb) = FLAVOURS[self.flavour];
        let sql_cores = if self.runs_sql { vcpu.max(FEWEST_SQL_CORES) } else { 0 };
        let attributes = [
            ("vcpu", Value::Whole(vcpu)),
            ("ram_gb", Value::Whole(ram_gb)),
            ("disk_gb", Value::Whole(self.disk_gb)),
            ("os", Value::Text(self.os)),
            ("sql_cores", Value::Whole(sql_cores)),
        ];
        let windows = self.os.starts_with("windows");
        let attributes = if windows { &attributes[..] } else { &attributes[..4] };
        stage.emit(at_ms, &Event { state: Some(state), actor, attributes, ..self.event() });
    }

    fn report_volumes(&self, at_ms: u64, stage: &mut Stage) {
        self.volume(at_ms, 0, stage);
        if self.data_gb > 0 {
            self.volume(at_ms, 1, stage);
        }
    }

    /// The system's volume is 0, that of the data 1.
    fn volume(&self, at_ms: u64, volume: u64, stage: &mut Stage) {
        let (gb, tier) = if volume == 0 { (self.disk_gb, "ssd") } else { (self.data_gb, self.data_tier) };
        let attributes = [("gb", Value::Whole(gb)), ("tier", Value::Text(tier))];
        let subject = [self.number, volume];
        let event = self.event_of("volume", Name("vol", &subject));
        stage.emit(at_ms, &Event { state: Some("IN-USE"), attributes: &attributes, ..event });
    }

    fn report_checkpoint(&self, at_ms: u64, stage: &mut Stage) {
        let used = stage.draw.between(20, 90);
        let attributes = [("gb", Value::Hundredths(self.disk_gb * used))];
        let subject = [self.number, self.checkpoints];
        let event = self.event_of("checkpoint", Name("cp", &subject));
        stage.emit(at_ms, &Event { state: Some("AVAILABLE"), attributes: &attributes, ..event });
    }

    fn forget_checkpoint(&self, at_ms: u64, checkpoint: u64, stage: &mut Stage) {
        let subject = [self.number, checkpoint];
        let event = self.event_of("checkpoint", Name("cp", &subject));
        stage.emit(at_ms, &Event { state: Some("DELETED"), ..event });
    }

    /// An event of the VM itself, with neither state nor attributes yet.
    fn event(&self) -> Event<'_> {
        self.event_of("vm", Name("vm", slice::from_ref(&self.number)))
    }

    fn event_of<'a>(&'a self, kind: &'a str, subject: Name<'a>) -> Event<'a> {
        Event {
            source: Name(self.region.cloud, &[]),
            subject,
            project: self.project,
            actor: None,
            kind,
            region: self.region,
            state: None,
            attributes: &[],
        }
    }
}
