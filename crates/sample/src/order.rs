//! Signed order forms: a pool of dedicated hosts and its options, amended from time to time.

use crate::clock::{DAY_MS, HOUR_MS, SECOND_MS};
use crate::names::Project;
use crate::stage::{Event, Name, Region, Stage, Value};

const MODELS: [&str; 3] = ["gen4-48c", "gen4-64c", "gen5-96c"];

/// An order form. An option of which it has none is not ordered.
#[derive(Debug)]
pub struct Order {
    /// The year and number on the form.
    number: [u64; 2],
    project: Project,
    region: &'static Region,
    is_accepted: bool,
    model: &'static str,
    hosts: u64,
    is_monitored: bool,
    mfa: &'static str,
    mfa_users: u64,
    usb_keys: u64,
}

impl Order {
    /// An order that is going to be accepted. The first has every option, so that the smallest sample has them.
    pub fn new(place: usize, stage: &mut Stage) -> Order {
        let (project, region) = (stage.project(), stage.region());
        let (draw, all) = (&mut stage.draw, place == 0);
        Order {
            number: [stage.clock.start_year(), u64::try_from(place).unwrap_or(0) + 1],
            project,
            region,
            is_accepted: false,
            model: draw.pick(&MODELS),
            hosts: draw.between(2, 8),
            is_monitored: all || draw.chance(700),
            mfa: draw.pick(&["push", "push", "sms"]),
            mfa_users: if all || draw.chance(600) { draw.between(5, 60) } else { 0 },
            usb_keys: if all || draw.chance(400) { draw.between(1, 6) } else { 0 },
        }
    }

    /// When its acceptance act is signed: the first on the first day, the others within a week.
    pub fn first_step_ms(place: usize, stage: &mut Stage) -> u64 {
        let day = if place == 0 { 0 } else { stage.draw.below(7) };
        day * DAY_MS + stage.draw.between(10 * HOUR_MS, 17 * HOUR_MS)
    }

    /// Accepts or amends it, and answers when the next amendment is signed.
    pub fn step(&mut self, at_ms: u64, stage: &mut Stage) -> u64 {
        if self.is_accepted {
            self.amend(at_ms, stage);
        } else {
            self.is_accepted = true;
            self.accept(at_ms, stage);
        }
        at_ms + stage.draw.between(10, 45) * DAY_MS
    }

    fn accept(&self, at_ms: u64, stage: &mut Stage) {
        self.report_hosts(at_ms, stage);
        if self.mfa_users > 0 {
            self.report_mfa(at_ms, stage);
        }
        if self.usb_keys > 0 {
            self.report_usb(at_ms, stage);
        }
    }

    fn amend(&mut self, at_ms: u64, stage: &mut Stage) {
        match stage.draw.below(4) {
            0 => {
                let more = self.hosts < 2 || stage.draw.chance(700);
                self.hosts = if more { self.hosts + 1 } else { self.hosts - 1 };
                self.report_hosts(at_ms, stage);
            }
            1 => {
                self.mfa_users += stage.draw.between(1, 15);
                self.report_mfa(at_ms, stage);
            }
            2 => {
                self.mfa = if self.mfa == "push" { "sms" } else { "push" };
                self.mfa_users = self.mfa_users.max(5);
                self.report_mfa(at_ms, stage);
            }
            _ => {
                self.usb_keys = if self.usb_keys > 3 { 0 } else { self.usb_keys + 1 };
                self.report_usb(at_ms, stage);
            }
        }
    }

    /// The pool, and the option that counts its hosts.
    fn report_hosts(&self, at_ms: u64, stage: &mut Stage) {
        let hosts = [("hosts", Value::Whole(self.hosts)), ("model", Value::Text(self.model))];
        self.report(at_ms, ("dedicated_host", "host-pool"), &hosts, stage);
        if self.is_monitored {
            self.report(at_ms + SECOND_MS, ("option.monitoring", "monitoring"), &hosts[..1], stage);
        }
    }

    fn report_mfa(&self, at_ms: u64, stage: &mut Stage) {
        let attributes = [("users", Value::Whole(self.mfa_users)), ("mfa", Value::Text(self.mfa))];
        self.report(at_ms, ("option.mfa", "mfa"), &attributes, stage);
    }

    fn report_usb(&self, at_ms: u64, stage: &mut Stage) {
        let attributes = [("keys", Value::Whole(self.usb_keys))];
        let attributes = if self.usb_keys > 0 { &attributes[..] } else { &[] };
        self.report(at_ms, ("option.usb", "usb"), attributes, stage);
    }

    /// One line of the form; without attributes it is no longer ordered.
    fn report(
        &self,
        at_ms: u64,
        (kind, subject): (&str, &str),
        attributes: &[(&str, Value<'_>)],
        stage: &mut Stage,
    ) {
        let state = if attributes.is_empty() { "DELETED" } else { "ACCEPTED" };
        let event = Event {
            source: Name("order://BZ", &self.number),
            subject: Name(subject, &[]),
            project: self.project,
            actor: None,
            kind,
            region: self.region,
            state: Some(state),
            attributes,
        };
        stage.emit(at_ms, &event);
    }
}
