//! Which price book meters what.

/// One price book in use, with all that it meters: a provider's, a contract's, an executor's or an API's. The shell
/// gives the numbers, and never one of them twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterId(pub u32);

/// How the charges of a meter become transfers. Storages have no meter: the ledger counts their days itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MeterKind {
    /// A cloud of the operator's: workspace → platform, one transfer for each project, component, version, month and
    /// step.
    Service,
    /// A compute server: workspace → executor, one transfer for each usage event, which is a job.
    Executor,
    /// An API: user → workspace, one transfer for each usage event, which is a call.
    Api,
}

impl MeterKind {
    /// Whether each usage event is a transfer of its own.
    #[must_use]
    pub fn pays_each_use(self) -> bool {
        self != MeterKind::Service
    }
}
