//! What is said of price books: breaches of the notice, doubts, changes.

use kopeck_rating::price_book::change::{Altered, Change, PriceStep, Verdict};
use kopeck_rating::price_book::doubts::Doubt;
use kopeck_rating::price_book::notice_period::{Breach, NOTICE_DAYS};
use kopeck_rating::price_book::read::{Problem, shortened};
use kopeck_rating::price_book::{Vat, Version};

/// A version that takes effect too early.
pub fn breach(breach: &Breach<'_>) -> Problem {
    let raised = breach.changes.iter().find(|change| change.verdict() == Verdict::Raised);
    let Some(told) = raised.or(breach.changes.first()) else {
        return Problem { span: breach.version.span.clone(), reason: String::new(), remedy: String::new() };
    };
    let others = match breach.changes.len() - 1 {
        0 => String::new(),
        1 => " and changes another component".to_owned(),
        more => format!(" and changes {more} other components"),
    };
    let version = breach.version;
    let what = format!("price version {} {}{others}", version.effective, what_it_does(told));
    Problem {
        span: place(told),
        reason: format!("{what} {}", with_notice(breach.days)),
        remedy: remedy(breach, version),
    }
}

fn with_notice(days: Option<i64>) -> String {
    match days {
        None => "without having been announced".to_owned(),
        Some(0) => "on the day of its announcement".to_owned(),
        Some(1) => "with 1 day's notice".to_owned(),
        Some(days) if days < 0 => "before it was announced".to_owned(),
        Some(days) => format!("with {days} days' notice"),
    }
}

fn remedy(breach: &Breach<'_>, version: &Version) -> String {
    match breach.earliest {
        Some(earliest) => {
            format!("{NOTICE_DAYS} days are required: the earliest effective date is {earliest}")
        }
        None => {
            let span = jiff::Span::new().days(NOTICE_DAYS);
            let latest =
                version.effective.checked_sub(span).map(|date| format!(" or earlier, such as {date}"));
            let latest = latest.unwrap_or_default();
            format!(
                "{NOTICE_DAYS} days are required: add `announced` with the date of the announcement{latest}"
            )
        }
    }
}

/// Where a change is best looked at.
fn place(change: &Change<'_>) -> std::ops::Range<usize> {
    let component = change.component();
    match change {
        Change::Altered(altered) if rising(altered).is_some() => component.price_span.clone(),
        _ => component.span.clone(),
    }
}

fn rising<'a>(altered: &'a Altered<'_>) -> Option<&'a PriceStep> {
    altered.prices.iter().find(|step| step.direction().is_gt())
}

/// "raises vm.active.vcpu from 365.25 to 401.00".
fn what_it_does(change: &Change<'_>) -> String {
    let id = shortened(&change.component().id);
    let altered = match change {
        Change::Added(_) => return format!("adds {id}"),
        Change::Removed(_) => return format!("removes {id}"),
        Change::Altered(altered) => altered,
    };
    if let Some(step) = rising(altered) {
        let tier = step.tier.map(|tier| format!(", tier {tier},")).unwrap_or_default();
        let (before, after) = step_texts(step);
        return format!("raises {id}{tier} from {before} to {after}");
    }
    if let Some(field) = altered.fields.first() {
        return format!("changes `{}` of {id}", field.field);
    }
    match altered.vat {
        Some((before, after)) => {
            let verb = if change.verdict() == Verdict::Raised { "raises" } else { "changes" };
            format!("{verb} VAT of {id} ({} becomes {})", vat_text(before), vat_text(after))
        }
        None => format!("changes {id}"),
    }
}

/// The prices of a step; what they are for is said where it differs.
fn step_texts(step: &PriceStep) -> (String, String) {
    let PriceStep { before, after, .. } = step;
    match (before.per, after.per) {
        (Some(old), Some(new)) if old != new => {
            (format!("{before} per {}", old.name()), format!("{after} per {}", new.name()))
        }
        _ => (before.to_string(), after.to_string()),
    }
}

/// VAT in words.
pub fn vat_text(vat: Option<Vat>) -> String {
    vat.map_or("no word of VAT".to_owned(), |vat| vat.to_string())
}

/// What is allowed and probably not meant.
pub fn doubt(doubt: &Doubt<'_>) -> Problem {
    let whole_months = "let the version begin on the first day of a month";
    let (reason, remedy) = match doubt {
        Doubt::ModelWithinMonth { component, effective, both } => {
            let id = shortened(&component.id);
            let what = if *both {
                "the old model charges the whole month, and the new one from then on as well"
            } else {
                "neither model charges from then to the month's end"
            };
            let reason = format!("version {effective} changes the model of {id} within a month: {what}");
            (reason, whole_months.to_owned())
        }
        Doubt::FromNextMonth { component, effective, holds_from } => {
            let id = shortened(&component.id);
            let reason = format!(
                "version {effective} changes {id} within a month, but {id} takes one version a month: the change holds from {holds_from} on"
            );
            (reason, format!("{whole_months}, or leave it so knowingly"))
        }
        Doubt::NeverMatches { component, version } => {
            let (id, kind) = (shortened(&component.id), shortened(&component.kind));
            let reason = format!(
                "version {version}: component {id} never matches: no state of kind {kind} has the class that it asks for"
            );
            (reason, format!("correct `when.state`, or the lists under [states.{kind}]"))
        }
        Doubt::UnpricedStates { kind, .. } => (
            format!("[states.{}] is of a kind that no component prices", shortened(kind)),
            "correct the kind, or remove the lists".to_owned(),
        ),
        Doubt::Empty { version, .. } => (
            format!("version {version} has no component, so all is free while it is in force"),
            "add its components: a version replaces the one before it as a whole".to_owned(),
        ),
    };
    Problem { span: doubt.span(), reason, remedy }
}
