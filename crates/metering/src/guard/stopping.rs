//! Stopping: which commands are to be given now, and which have come to their end (guard.md, point 4).

use std::collections::BTreeSet;
use std::sync::Arc;

use kopeck_directory::Directory;
use kopeck_directory::limit::{Holder, StopOrder, StopRules};
use kopeck_directory::name::ProjectId;
use kopeck_guard::stopping::{self, Order};
use kopeck_ledger::name::Moment;
use kopeck_rating::calendar::Second;
use kopeck_rating::event::second_of;
use kopeck_rating::stops::{AfterStop, Stops};
use kopeck_settlement::ahead::Resource;
use kopeck_settlement::shard::Shard;
use uuid::Uuid;

use super::command::{End, Outcome, StopCommand};
use super::limits::{Asked, Part};
use super::notice::What;
use super::{Around, Guard};
use crate::metering::MeteringError;

/// A limit that stops something of a project.
struct Stop {
    /// The limit and its holder, for people.
    limit: String,
    part: Part,
    within_s: i64,
}

impl Guard {
    /// Sees that what is stopped of a project stops: gives commands, ends those that were obeyed or are not needed any more,
    /// and tells of clouds that do not obey. Answers when to look at the latter.
    pub(super) fn enforce(
        &mut self,
        shard: &Shard,
        (around, directory): (&Around<'_>, &Arc<Directory>),
        project: &ProjectId,
    ) -> Result<Option<Second>, MeteringError> {
        let stops = self.stops_of(directory, project, around.now);
        let open = around.outbox.open_of(project.as_str());
        if stops.is_empty() && open.is_empty() {
            return Ok(None);
        }
        let running = self.stoppable(shard, project)?;
        for command in &open {
            let resource = running.iter().find(|resource| is_of(command, resource));
            let is_wanted = |resource: &Resource| stops.iter().any(|stop| covers(&stop.part, resource));
            match resource {
                None => around.outbox.end(command.number, End { outcome: Outcome::Obeyed, at: around.now }),
                Some(resource) if !is_wanted(resource) => {
                    around.outbox.end(command.number, End { outcome: Outcome::Withdrawn, at: around.now });
                }
                // It was started after the cloud had taken the command: that is sent again at once.
                Some(resource)
                    if command.taken.is_some_and(|taken| second_of(taken.nanoseconds()) < resource.since) =>
                {
                    around.outbox.send_again(command.number);
                }
                Some(_) => {}
            }
        }
        let asked: BTreeSet<(&str, &str)> =
            open.iter().map(|command| (command.source.as_str(), command.subject.as_str())).collect();
        let rules = directory.stop_rules().get(project.as_str()).map(AsRef::as_ref);
        for resource in in_order(running, rules) {
            let Some(stop) = stops.iter().find(|stop| covers(&stop.part, &resource)) else { continue };
            if !asked.contains(&(resource.name.0.as_str(), resource.name.1.as_str())) {
                around.outbox.put(around.shard, command(project, resource, stop, around.now));
            }
        }
        self.escalate(around, project)
    }

    /// What stops something of a project: its own limits, and those of whoever pays.
    fn stops_of(&self, directory: &Directory, project: &ProjectId, now: Moment) -> Vec<Stop> {
        let mut stops = Vec::new();
        for holder in self.holders(directory, project.as_str(), now) {
            let Some(subject) = self.subjects.get(&holder) else { continue };
            for asked in subject.asked.iter().filter(|asked| subject.memory.stopped.contains_key(&asked.name))
            {
                stops.push(stop(&holder, asked));
            }
        }
        stops
    }

    /// The resources of a project that a stop does something to.
    fn stoppable(&self, shard: &Shard, project: &ProjectId) -> Result<Vec<Resource>, MeteringError> {
        let mut alive = shard.alive_of(project.as_str())?;
        alive.retain(|resource| {
            let stops = self.kept.get(&resource.meter).map(|(_, stops)| stops);
            stops.is_some_and(|stops| stops.after(&resource.kind, resource.class) != AfterStop::Same)
        });
        Ok(alive)
    }

    /// Tells of commands that were not obeyed in time; answers when the next one would be late.
    fn escalate(
        &mut self,
        around: &Around<'_>,
        project: &ProjectId,
    ) -> Result<Option<Second>, MeteringError> {
        let at = second_of(around.now.nanoseconds());
        let mut next = None;
        for command in around.outbox.open_of(project.as_str()) {
            if command.escalated.is_some() {
                continue;
            }
            let late =
                second_of(command.decided.nanoseconds()).saturating_add(command.within_s).saturating_add(1);
            if at < late {
                next = next.into_iter().chain([late]).min();
                continue;
            }
            tracing::warn!(%project, source = command.source, resource = command.subject, failure = ?command.failure, "a stop was not obeyed in time");
            around.outbox.change(command.number, |command| command.escalated = Some(around.now));
            let what = What::Disobeyed { source: command.source, resource: command.subject };
            self.tell((around.now, &Holder::Project(project.clone()), &command.limit), what)?;
        }
        Ok(next)
    }
}

fn stop(holder: &Holder, asked: &Asked) -> Stop {
    Stop {
        limit: format!("{} of {holder}", asked.name),
        part: asked.part.clone(),
        within_s: asked.reaction.delay.saturating_add(asked.reaction.latency),
    }
}

fn covers(part: &Part, resource: &Resource) -> bool {
    match part {
        Part::All => true,
        Part::Region(region) => resource.region.as_ref() == Some(region),
        Part::Kind(kind) => resource.kind == *kind,
    }
}

fn is_of(command: &StopCommand, resource: &Resource) -> bool {
    (&command.source, &command.subject) == (&resource.name.0, &resource.name.1)
}

/// Resources in the order in which they are stopped.
fn in_order(resources: Vec<Resource>, rules: Option<&StopRules>) -> Vec<Resource> {
    let is_protected = |resource: &Resource| {
        let named = |(source, subject): &(kopeck_ledger::name::Text, kopeck_ledger::name::Text)| {
            (source.as_str(), subject.as_str()) == (resource.name.0.as_str(), resource.name.1.as_str())
        };
        resource.protected || rules.is_some_and(|rules| rules.protected.iter().any(named))
    };
    let order = match rules.map(|rules| rules.order).unwrap_or_default() {
        StopOrder::NewestFirst => Order::NewestFirst,
        StopOrder::OldestFirst => Order::OldestFirst,
    };
    let plain = resources.iter().map(|resource| stopping::Resource {
        name: resource.name.clone(),
        kind: resource.kind.clone(),
        class: resource.class,
        born: resource.born,
        protected: is_protected(resource),
    });
    // Only those are here that their cloud's stop does something to.
    let sorted = stopping::in_order(plain.collect(), order, &Stops::default());
    let mut by_name: std::collections::BTreeMap<(String, String), Resource> =
        resources.into_iter().map(|resource| (resource.name.clone(), resource)).collect();
    sorted.iter().filter_map(|resource| by_name.remove(&resource.name)).collect()
}

fn command(project: &ProjectId, resource: Resource, stop: &Stop, now: Moment) -> StopCommand {
    let (source, subject) = resource.name;
    StopCommand {
        number: 0,
        key: Uuid::nil(),
        project: project.clone(),
        source,
        subject,
        kind: resource.kind,
        limit: stop.limit.clone(),
        decided: now,
        within_s: stop.within_s,
        tries: 0,
        taken: None,
        failure: None,
        escalated: None,
        end: None,
    }
}
