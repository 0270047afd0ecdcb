//! What is played: a sample month, and who and what has a part in it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kopeck_sample::{Options, Sample};
use serde::Deserialize;

use crate::failure::Failure;

/// Seconds of an hour.
pub const HOUR: i64 = 3_600;

/// A sample month and its parts.
pub struct Script {
    /// Its events, as they are delivered.
    pub lines: Vec<Line>,
    /// The sources that are priced by the operator's book: clouds and order forms.
    pub clouds: BTreeSet<String>,
    /// The sources of executors.
    pub executors: BTreeSet<String>,
    /// The sources of storages.
    pub storages: BTreeSet<String>,
    /// The sources of APIs.
    pub apis: BTreeSet<String>,
    /// Who works in each project.
    pub teams: BTreeMap<String, BTreeSet<String>>,
    /// Which projects call which APIs.
    pub calls: BTreeSet<(String, String)>,
}

/// An event as it is delivered.
pub struct Line {
    /// The event, without a line end.
    pub text: String,
    /// The hour of Unix time in which it is delivered.
    pub hour: i64,
    /// What sends it.
    pub source: String,
    /// Whose it is.
    pub project: String,
    /// Who caused it.
    pub actor: String,
    /// Its name within the source.
    pub id: String,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    source: String,
    time: Timestamp,
    project: String,
    #[serde(default)]
    actor: String,
}

impl Script {
    /// Writes a month.
    pub fn write(options: &Options) -> Result<Script, Failure> {
        let mut sample = Sample::new(options)
            .map_err(|error| Failure::input(error, None, "`kopeck demo --help` tells the options"))?;
        let mut script = Script {
            lines: Vec::new(),
            clouds: BTreeSet::new(),
            executors: BTreeSet::new(),
            storages: BTreeSet::new(),
            apis: BTreeSet::new(),
            teams: BTreeMap::new(),
            calls: BTreeSet::new(),
        };
        let (mut bytes, mut hour) = (Vec::new(), i64::MIN);
        while sample.next_line(&mut bytes) {
            let event: Event = serde_json::from_slice(&bytes)
                .map_err(|error| Failure::input(error, None, "this sample is kopeck's own: report it"))?;
            hour = hour.max(event.time.as_second().div_euclid(HOUR));
            script.cast(&event);
            let Event { id, source, project, actor, .. } = event;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            script.lines.push(Line { text, hour, source, project, actor, id });
        }
        Ok(script)
    }

    /// Notes who and what an event is of.
    fn cast(&mut self, event: &Event) {
        let team = self.teams.entry(event.project.clone()).or_default();
        if !event.actor.is_empty() {
            team.insert(event.actor.clone());
        }
        let source = event.source.clone();
        match source.split_once("://").map(|(scheme, _)| scheme) {
            Some("executor") => self.executors.insert(source),
            Some("s3") => self.storages.insert(source),
            Some("api") => {
                self.calls.insert((source.clone(), event.project.clone()));
                self.apis.insert(source)
            }
            _ => self.clouds.insert(source),
        };
    }

    /// Whether the operator's book prices an event.
    pub fn is_service(&self, line: &Line) -> bool {
        self.clouds.contains(&line.source)
    }
}
