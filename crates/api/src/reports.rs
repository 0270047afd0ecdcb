//! What the operator is told: usage that nobody prices, and how sources report (api.md).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::forms::Time;

/// Something about events that a person should know
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoticeDocument {
    /// The price book whose usage it is
    pub price_book: String,
    /// What it is
    pub what: NoticeWord,
    /// The kind of resource or usage
    pub kind: Option<String>,
    /// The component that lacks something
    pub component: Option<String>,
    /// The attribute that is missing or no number
    pub attribute: Option<String>,
    /// The state that has no class
    pub state: Option<String>,
    /// How many events or resources
    pub count: u64,
    /// The first of the events
    pub first: EventRef,
}

/// What a notice is about
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeWord {
    /// No component prices the kind
    Unpriced,
    /// A quantity is missing or no number: it counts as 0
    Lacking,
    /// A state is in no list: components that ask for a class do not bill it
    Classless,
    /// Another project or kind was named during a life: not rated
    Disputed,
}

/// An event by its name
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventRef {
    /// Its source
    pub source: String,
    /// Its id
    pub id: String,
    /// Its instant
    pub time: Time,
}

/// What is not priced, lacking, without a class, or disputed in a month; and what could not be posted
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnpricedDocument {
    /// The local month
    pub month: String,
    /// What there is to know
    pub notices: Vec<NoticeDocument>,
    /// Decided amounts that the ledger refused or nobody could pay; tried again every hour
    pub unposted: Vec<UnpostedDocument>,
    /// Events and resources that could not be rated
    pub failures: Vec<FailureDocument>,
}

impl UnpricedDocument {
    /// Of a month of which nothing is known yet.
    #[must_use]
    pub fn of(month: &str) -> UnpricedDocument {
        UnpricedDocument {
            month: month.to_owned(),
            notices: Vec::new(),
            unposted: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Adds what is known of other projects in the same month.
    pub fn add(&mut self, other: UnpricedDocument) {
        for notice in other.notices {
            match self.notices.iter_mut().find(|known| known.is_about_the_same_as(&notice)) {
                Some(known) => {
                    known.count += notice.count;
                    if notice.first.time.0 < known.first.time.0 {
                        known.first = notice.first;
                    }
                }
                None => self.notices.push(notice),
            }
        }
        self.unposted.extend(other.unposted);
        self.failures.extend(other.failures);
    }
}

impl NoticeDocument {
    fn is_about_the_same_as(&self, other: &NoticeDocument) -> bool {
        let about = |notice: &NoticeDocument| NoticeDocument {
            count: 0,
            first: self.first.clone(),
            ..notice.clone()
        };
        about(self) == about(other)
    }
}

/// An amount that could not be posted
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnpostedDocument {
    /// The project
    pub project: String,
    /// What it is for
    pub what: String,
    /// How much
    pub amount: String,
}

/// Something that could not be rated
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailureDocument {
    /// The source of the resource or event
    pub source: Option<String>,
    /// The resource or event
    pub name: Option<String>,
    /// Why
    pub reason: String,
}

/// What a source of events has sent
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceDocument {
    /// The source
    pub source: String,
    /// Events that were accepted
    pub events: u64,
    /// The instant of its latest event
    pub latest_event: Time,
    /// When something was received last
    pub received: Time,
    /// By how much the latest event was late when it came, in seconds
    pub delay_s: u64,
    /// The longest such delay, in seconds
    pub longest_delay_s: u64,
    /// The longest silence that it declares, in seconds; none where it declares none
    pub heartbeat_s: Option<u64>,
    /// Whether it has been silent for longer than that
    pub silent: bool,
    /// When it was, the latest 32 times
    pub gaps: Vec<GapDocument>,
}

/// A silence of a source
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GapDocument {
    /// When something was received before it
    pub from: Time,
    /// When something was received again
    pub to: Time,
}
