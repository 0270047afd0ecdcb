//! Where the guard meets the settler and the rest of the program.

use kopeck_directory::Directory;
use kopeck_directory::limit::Holder;
use kopeck_ledger::name::Moment;
use kopeck_rating::calendar::Second;

use crate::guard::outbox::Outbox;
use crate::guard::{Around, Shown};
use crate::metering::{Command, Core, Metering, MeteringError};
use crate::state::State;

/// The instant at which a second begins; `None` outside the years of instants.
pub fn moment(second: Second) -> Option<Moment> {
    Moment::from_nanoseconds(second.checked_mul(1_000_000_000)?).ok()
}

/// Looks at whatever is touched or due, and makes what comes of it durable: then commands may be sent.
///
/// # Errors
/// [`MeteringError`]; it is done the next time.
pub fn guard(core: &Core) -> Result<(), MeteringError> {
    if core.state().guard.is_on() {
        // Wallets are looked at as they are, whichever node has moved money.
        core.ledger.refresh()?;
    }
    let mut state = core.state();
    let State { guard, shard, at, .. } = &mut *state;
    let around = Around { ledger: &*core.ledger, outbox: &core.outbox, shard: core.shard.0.into(), now: *at };
    guard.look(shard, &around)?;
    let beside = guard.unwritten();
    drop(state);
    // Whoever asks something meanwhile does not wait for the disk.
    core.outbox.flush(&*core.log, beside.clone())?;
    core.state().guard.written(beside.len());
    Ok(())
}

impl State {
    /// When the guard is to look next, where a clock is set from one instant to the next: at the instants that it has named,
    /// and when an event counts that has come in its own second.
    pub fn look_next(&self) -> Option<Moment> {
        let counts = self.shard.next_waiting().filter(|_| self.guard.is_on()).map(|second| second + 1);
        let next = counts.into_iter().chain(self.guard.next()).min()?;
        Some(moment(next)?.max(self.at))
    }
}

impl Metering {
    /// Looks at the limits of a holder as everything is now, does what they ask for, and tells what they come to.
    ///
    /// # Errors
    /// [`MeteringError`].
    pub async fn look_at_limits(&self, holder: Holder) -> Result<Shown, MeteringError> {
        self.ask(|answer| Command::Look(holder, answer)).await
    }

    /// Has a holder's limits looked at soon: its money has changed.
    pub fn money_changed(&self, holder: Holder) {
        self.tell(Command::Touch(holder));
    }

    /// What refuses whatever is new in a project now: the limit, and whose it is.
    #[must_use]
    pub fn refuses(&self, directory: &Directory, project: &str) -> Option<(Holder, String)> {
        let now = (self.core().time.now)();
        self.core().state().guard.refuses(directory, project, now)
    }

    /// What of a holder refuses whatever is new now.
    #[must_use]
    pub fn refuses_of(&self, holder: &Holder) -> Option<(Holder, String)> {
        self.core().state().guard.refuses_of(holder)
    }

    /// Commands on their way.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.core().outbox
    }

    /// Makes durable what was learnt of commands. Waits for the disk.
    ///
    /// # Errors
    /// [`MeteringError`]; it is written the next time.
    pub fn keep_commands(&self) -> Result<(), MeteringError> {
        Ok(self.core().outbox.flush(&*self.core().log, Vec::new())?)
    }
}
