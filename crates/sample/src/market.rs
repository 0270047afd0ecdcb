//! The marketplace: jobs on executors, storages that are cleaned up each night, and calls of APIs. All are used by
//! many projects and report usage events.

use std::slice;

use crate::clock::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::names::Project;
use crate::stage::{Event, Name, Region, Stage, Value};

/// The mean pause between two jobs of an executor, or two reports of an API, in working hours.
const PAUSE_MS: u64 = 45 * MINUTE_MS;
const CORES: [u64; 8] = [1, 1, 2, 2, 4, 8, 16, 32];
const GPUS: [u64; 8] = [0, 0, 0, 0, 0, 1, 2, 4];
const RAM_MB_FOR_CORE: [u64; 3] = [1_024, 2_048, 4_096];
const APIS: [&str; 4] = ["api://assistant", "api://speech", "api://vision", "api://maps"];
/// How many buckets a storage has.
const BUCKETS: usize = 4;

/// What is used and reported. Each has a number of its own among its like.
#[derive(Debug)]
pub struct Provider {
    number: u64,
    region: &'static Region,
    service: Service,
}

#[derive(Debug)]
enum Service {
    Executor,
    Api(&'static str),
    /// The project of each bucket and what it stores, in hundredths of MB.
    Storage([(Project, u64); BUCKETS]),
}

impl Provider {
    /// A server of computations.
    pub fn executor(place: usize, stage: &mut Stage) -> Provider {
        Provider::new(place, Service::Executor, stage)
    }

    /// An API and those who call it.
    pub fn api(place: usize, stage: &mut Stage) -> Provider {
        Provider::new(place, Service::Api(APIS[place % APIS.len()]), stage)
    }

    /// An S3 storage.
    pub fn storage(place: usize, stage: &mut Stage) -> Provider {
        let mut buckets = [(0, 0); BUCKETS];
        for bucket in &mut buckets {
            *bucket = (stage.project(), stage.draw.between(50_000, 40_000_000));
        }
        Provider::new(place, Service::Storage(buckets), stage)
    }

    fn new(place: usize, service: Service, stage: &mut Stage) -> Provider {
        Provider { number: u64::try_from(place).unwrap_or(0) + 1, region: stage.region(), service }
    }

    /// When it first reports.
    pub fn first_step_ms(&self, stage: &mut Stage) -> u64 {
        match self.service {
            // Storages are cleaned up from three to half past.
            Service::Storage(_) => 3 * HOUR_MS + stage.draw.below(30 * MINUTE_MS),
            _ => stage.draw.below(PAUSE_MS * 4),
        }
    }

    /// Reports, and answers when it reports next.
    pub fn step(&mut self, at_ms: u64, stage: &mut Stage) -> u64 {
        match &mut self.service {
            Service::Executor => self.report_job(at_ms, stage),
            Service::Api(api) => {
                let api = *api;
                self.report_calls(at_ms, api, stage);
            }
            Service::Storage(buckets) => {
                for (_, stored) in buckets.iter_mut() {
                    // A little less or a little more than yesterday.
                    let change = *stored / 100;
                    *stored = (*stored).saturating_sub(change / 3) + stage.draw.below(change + 100);
                }
                let buckets = *buckets;
                self.report_stored(at_ms, &buckets, stage);
                return at_ms + DAY_MS;
            }
        }
        stage.next_ms(at_ms, PAUSE_MS).max(at_ms + MINUTE_MS)
    }

    /// A job that has just ended.
    fn report_job(&self, at_ms: u64, stage: &mut Stage) {
        let project = stage.project();
        let actor = stage.person(project);
        let draw = &mut stage.draw;
        let cores = draw.pick(&CORES);
        // Most jobs take minutes, a few hours.
        let scale = 10 << draw.below(11);
        let duration = draw.between(scale * 50, scale * 100);
        let duration =
            if draw.chance(300) { Value::Hundredths(duration) } else { Value::Whole(duration / 100) };
        let attributes = [
            ("cores", Value::Whole(cores)),
            ("gpus", Value::Whole(draw.pick(&GPUS))),
            ("ram_mb", Value::Whole(cores * draw.pick(&RAM_MB_FOR_CORE))),
            ("duration_s", duration),
        ];
        let event = Event {
            source: Name("executor://exe", slice::from_ref(&self.number)),
            subject: Name("exe", slice::from_ref(&self.number)),
            actor: Some(actor),
            ..self.event(project, "job", &attributes)
        };
        stage.emit(at_ms, &event);
    }

    /// The calls of one key since the last report.
    fn report_calls(&self, at_ms: u64, api: &str, stage: &mut Stage) {
        let project = stage.project();
        let actor = stage.person(project);
        let draw = &mut stage.draw;
        let scale = 10 << draw.below(7);
        let calls = draw.between(1, scale);
        let tokens = calls * draw.between(150, 1_800);
        let attributes = [("calls", Value::Whole(calls)), ("tokens", Value::Whole(tokens))];
        let key = u64::try_from(project).unwrap_or(0) + 1;
        let event = Event {
            source: Name(api, slice::from_ref(&self.number)),
            subject: Name("key", slice::from_ref(&key)),
            actor: Some(actor),
            ..self.event(project, "api_call", &attributes)
        };
        stage.emit(at_ms, &event);
    }

    fn report_stored(&self, at_ms: u64, buckets: &[(Project, u64)], stage: &mut Stage) {
        for (bucket, (project, stored)) in (1..).zip(buckets) {
            let bucket = [self.number, bucket];
            let attributes = [("mb", Value::Hundredths(*stored))];
            let event = Event {
                source: Name("s3://store", slice::from_ref(&self.number)),
                subject: Name("bucket", &bucket),
                ..self.event(*project, "s3", &attributes)
            };
            stage.emit(at_ms, &event);
        }
    }

    /// A usage event that has neither source, subject nor actor yet.
    fn event<'a>(
        &'a self,
        project: Project,
        kind: &'a str,
        attributes: &'a [(&'a str, Value<'a>)],
    ) -> Event<'a> {
        let nobody = Name("", &[]);
        Event {
            source: nobody,
            subject: nobody,
            project,
            actor: None,
            kind,
            region: self.region,
            state: None,
            attributes,
        }
    }
}
