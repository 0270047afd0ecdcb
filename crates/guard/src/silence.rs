//! Sources that fall silent (guard.md, point 6): what is not reported is not known to cost nothing.

use kopeck_rating::calendar::Second;

/// What is known of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Seconds within which it declares to be heard of.
    pub heartbeat: i64,
    /// When it was heard of last.
    pub heard: Second,
    /// The instant up to which it has reported everything, by its own word.
    pub reported: Second,
    /// Whether it was told to be silent, and has not been back since.
    pub was_silent: bool,
}

/// How a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// It is heard of as it declares.
    Heard,
    /// It is silent, which has not been told: the payer and the operator are warned, and authorisations on it are refused.
    FallsSilent,
    /// It is silent still, or is back and has not caught up: authorisations on it are refused.
    Silent,
    /// It is back and has caught up.
    Back,
}

impl Source {
    /// How it is at an instant.
    #[must_use]
    pub fn at(&self, now: Second) -> Hearing {
        let is_late = |instant: Second| now.saturating_sub(instant) > self.heartbeat;
        match (is_late(self.heard), self.was_silent) {
            (true, false) => Hearing::FallsSilent,
            (true, true) => Hearing::Silent,
            (false, false) => Hearing::Heard,
            (false, true) if is_late(self.reported) => Hearing::Silent,
            (false, true) => Hearing::Back,
        }
    }

    /// The instant at which it falls silent if nothing is heard of it.
    #[must_use]
    pub fn look(&self) -> Second {
        self.heard.saturating_add(self.heartbeat).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_silent_until_it_is_back_and_has_caught_up() {
        let source = Source { heartbeat: 60, heard: 100, reported: 100, was_silent: false };
        assert_eq!(source.at(160), Hearing::Heard);
        assert_eq!((source.look(), source.at(161)), (161, Hearing::FallsSilent));
        let silent = Source { was_silent: true, ..source };
        assert_eq!(silent.at(200), Hearing::Silent);
        assert_eq!(Source { heard: 200, ..silent }.at(200), Hearing::Silent);
        assert_eq!(Source { heard: 200, reported: 140, ..silent }.at(200), Hearing::Back);
    }
}
