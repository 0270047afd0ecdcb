//! When projects, and sources within them, are billed by a live rater: what that changes of what runs already.

use std::ops::Range;

use super::past::Steps;
use super::{Live, LiveError};
use crate::calendar::Second;
use crate::intake::Name;
use crate::money::{Overflow, Quantity};
use crate::resource::{self, Change, Effects, Ground};

impl Live {
    /// Bills a project from that second on: what it used before is free. Said before the project's first event.
    ///
    /// # Errors
    /// As [`bill`](Live::bill).
    pub fn bill_from(&mut self, project: &str, second: Second) -> Result<(), LiveError> {
        self.bill(project, None, std::iter::once(second..Second::MAX).collect())
    }

    /// Bills a project, or what one source says of it, in these seconds, which are in order and do not meet: what it uses at
    /// other times is free here. What is said of a source wins over what is said of its project. What
    /// is said after its first event may differ from what was said before only beyond the latest event.
    ///
    /// # Errors
    /// [`LiveError::TooMany`] beyond 2³² names; [`LiveError::Overflow`].
    pub fn bill(
        &mut self,
        project: &str,
        source: Option<&str>,
        seconds: Vec<Range<Second>>,
    ) -> Result<(), LiveError> {
        self.hold_starts(seconds.iter().map(|seconds| seconds.start));
        let project = self.register.names.number(project).map_err(|_| LiveError::TooMany)?;
        let source = source.map(|source| self.register.names.number(source));
        let source = source.transpose().map_err(|_| LiveError::TooMany)?;
        if self.billed.said(project, source) == Some(&seconds) {
            return Ok(());
        }
        // Most sources are new when they are first spoken of, and a project may have many.
        if source.is_some_and(|source| !self.sources.contains(&(project, source))) {
            self.billed.set(project, source, seconds);
            return Ok(());
        }
        let before = self.running_peaks(project, source)?;
        self.count_all_running((project, source), -1)?;
        self.billed.set(project, source, seconds);
        self.count_all_running((project, source), 1)?;
        let after = self.running_peaks(project, source)?;
        let back: Result<Vec<Change>, Overflow> = before
            .into_iter()
            .map(|change| Ok(Change { by: Quantity::ZERO.checked_sub(change.by)?, ..change }))
            .collect();
        self.change(&back?)?;
        self.change(&after)
    }

    /// The sources of a project of which something was said of their own.
    pub fn billed_sources(&self, project: &str) -> impl Iterator<Item = &str> {
        let project = self.project(project);
        let sources = project.into_iter().flat_map(|project| self.billed.sources(project));
        sources.map(|source| self.register.names.text(source))
    }

    /// What the running resources of a project, or of one source in it, have changed in sums of `monthly_peak` when they
    /// became what they are.
    fn running_peaks(&mut self, project: Name, of: Option<Name>) -> Result<Vec<Change>, LiveError> {
        let Live { plan, register, matches, states, by_project, billed, .. } = self;
        let names = register.names.len();
        let mut effects = Effects::default();
        for resource in by_project.get(&project).into_iter().flatten() {
            let source = register.records.resource_of(*resource).source;
            if of.is_some_and(|of| of != source) {
                continue;
            }
            let Some(state) = states.of(*resource as usize) else { continue };
            let ground = Ground { plan, descriptions: &register.descriptions, billed, source };
            let steps = Steps { ground, matches, names };
            let Some(current) = steps.unpack(state)?.current() else { continue };
            if current.said.project == project {
                resource::changes(ground, steps.matches, (current, current.start), (&mut effects, true))?;
            }
        }
        Ok(effects.changes)
    }
}
