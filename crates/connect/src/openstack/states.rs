//! What the states of OpenStack's services mean for a bill.
//!
//! A VM that runs, be it from its own disk or a rescue image, is RUNNING, one that is shut down STOPPED. PAUSED,
//! SUSPENDED, SHELVED, SHELVED_OFFLOADED, SOFT_DELETED and ERROR keep their names and are in none of the default
//! lists: a price book that bills running or stopped VMs does not bill these unless it lists them under
//! `[states.vm]`. A VM that was resized and waits for its user to confirm is what it was before, with its new flavor.

/// The state of what failed, and is still there.
pub(crate) const ERROR: &str = "ERROR";

/// What a state says of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It is not there yet.
    NotStarted,
    /// It is in this state; `None` is the one before.
    Lives(Option<&'static str>),
    /// It is gone.
    Ended,
}

/// The `vm_state` of Nova; `None` where it is not one.
pub(crate) fn vm_stage(state: &str) -> Option<Stage> {
    let name = match state {
        "building" => return Some(Stage::NotStarted),
        "deleted" => return Some(Stage::Ended),
        "resized" => return Some(Stage::Lives(None)),
        "active" | "rescued" => "RUNNING",
        "stopped" => "STOPPED",
        "paused" => "PAUSED",
        "suspended" => "SUSPENDED",
        "shelved" => "SHELVED",
        "shelved_offloaded" => "SHELVED_OFFLOADED",
        "soft-delete" | "soft_deleted" => "SOFT_DELETED",
        "error" => ERROR,
        _ => return None,
    };
    Some(Stage::Lives(Some(name)))
}

/// What an operation that is done has made of a VM, where its name leaves no doubt.
pub(crate) fn vm_after(operation: &str) -> Option<Stage> {
    match operation {
        "power_on" => Some(Stage::Lives(Some("RUNNING"))),
        "power_off" => Some(Stage::Lives(Some("STOPPED"))),
        "delete" => Some(Stage::Ended),
        _ => None,
    }
}

/// The state until an operation was done: the one that it can only have ended, or the one that the record names.
pub(crate) fn vm_before(operation: &str, old_state: Option<&str>) -> Option<&'static str> {
    match operation {
        "power_off" | "suspend" | "pause" => Some("RUNNING"),
        "power_on" => Some("STOPPED"),
        "resume" => Some("SUSPENDED"),
        "unpause" => Some("PAUSED"),
        "restore" => Some("SOFT_DELETED"),
        _ => match vm_stage(old_state?) {
            Some(Stage::Lives(state)) => state,
            _ => None,
        },
    }
}

/// The status of a volume or a snapshot in Cinder; `None` where it is not one.
pub(crate) fn storage_stage(status: &str) -> Option<Stage> {
    let name = match status {
        "creating" => return Some(Stage::NotStarted),
        "deleted" => return Some(Stage::Ended),
        "available" | "attaching" | "reserved" | "awaiting-transfer" => "AVAILABLE",
        "in-use" | "detaching" => "IN-USE",
        "error" | "error_deleting" | "error_extending" | "error_backing-up" | "error_restoring"
        | "error_managing" => ERROR,
        "deleting" | "extending" | "retyping" | "maintenance" | "backing-up" | "restoring-backup"
        | "uploading" | "downloading" | "managing" | "unmanaging" | "restoring" => {
            return Some(Stage::Lives(None));
        }
        _ => return None,
    };
    Some(Stage::Lives(Some(name)))
}

/// The status of an image in Glance; `None` where it is not one.
pub(crate) fn image_stage(status: &str) -> Option<Stage> {
    let name = match status {
        "queued" | "saving" | "uploading" | "importing" => return Some(Stage::NotStarted),
        "deleted" | "killed" => return Some(Stage::Ended),
        "active" => "AVAILABLE",
        "deactivated" => "DEACTIVATED",
        "pending_delete" => "PENDING_DELETE",
        _ => return None,
    };
    Some(Stage::Lives(Some(name)))
}
