//! Versioned notifications of Nova, as a collector takes them off the bus, into events of kind `vm`.
//!
//! A file has one notification a line, an array of them, or a single one: the notification itself, or the envelope
//! of the bus (`oslo.version` and `oslo.message`, a text with the notification). Each carries its whole payload:
//! the samples in Nova's documentation, which refer to other files by `$ref`, are refused until these are filled
//! in. Memory, times, what is older than the input and what is repeated are as `openstack` tells.
//!
//! - `tenant_id` is the project, `action_initiator_user` or else `user_id` the actor, `uuid` the subject. Nova does
//!   not name its region: it is the one of the options, and without one the source is `openstack://unnamed`. So a VM is
//!   one resource in notifications and in the event log (see [`openstack_log`](crate::openstack_log)).
//! - `timestamp` is the instant and `message_id` the id of the event, without which type, VM and instant are it.
//! - The attributes are those of the event log: `vcpu`, `ram_gb`, `disk_gb` (root_gb + ephemeral_gb) and `flavor`
//!   of the payload's flavor, and `os` (os_type), where Nova knows one. The VM lives since `launched_at`.
//! - The state is the payload's `state`, but for the ends of power_on, power_off and delete, as in the event log.
//!   A VM that was resized is STOPPED if its `power_state` is shutdown, else RUNNING, until its user confirms.
//!
//! Skipped and counted: starts and errors, VMs that have not started, what tells nothing new, and all that is no
//! VM: aggregates, flavors, key pairs, services, server groups, metrics, tasks of the scheduler, and
//! `volume.usage`, which counts reads and writes but does not say how large the volume is.
//!
//! What is left out: unversioned notifications (`compute.instance.*`), which are skipped too: a Nova that sends
//! both sends each twice. Set `notification_format = versioned`.

use std::io::{self, BufRead, Write};

use crate::convert::{Flaw, Options, Refused, Summary, quoted};
use crate::openstack::{self, ERROR, Fields, Phase, Seen, Sighting, Stage, Told, VM, skipped};
use crate::usage_event::Attributes;

/// Converts notifications.
///
/// # Errors
/// Only what reading the input or writing the output fails with; a bad record is a refusal.
pub fn convert(
    input: &mut dyn BufRead,
    output: &mut dyn Write,
    options: &Options,
    on_refusal: &mut dyn FnMut(Refused),
) -> io::Result<Summary> {
    openstack::convert((input, output), options, on_refusal, read)
}

fn read(text: &[u8]) -> Result<Seen, Flaw> {
    let outer = Fields::read(text)?;
    match outer.document("oslo.message")? {
        Some(message) => notification(&Fields::read(message.as_bytes())?),
        None => notification(&outer),
    }
}

fn notification(message: &Fields<'_>) -> Result<Seen, Flaw> {
    let event_type = message.required("event_type", "is this a notification? Export it whole")?;
    if event_type.starts_with("compute.instance.") {
        return Ok(Seen::Nothing("unversioned notifications"));
    }
    let Some((operation, phase)) = event_type.strip_prefix("instance.").map(Phase::of) else {
        return Ok(Seen::Nothing(skipped::NOT_BILLED));
    };
    if phase == Phase::Error {
        return Ok(Seen::Nothing(skipped::FAILED));
    }
    let vm = data(message, "payload")?;
    let since = vm.time("launched_at");
    let stage = stage(operation, phase, &vm)?;
    if stage == Stage::Lives(Some(ERROR)) && since == Ok(None) {
        return Ok(Seen::Nothing(skipped::NOT_STARTED));
    }
    let deleted_at = vm.time("deleted_at").unwrap_or_default();
    let Some(told) = Told::of(stage, phase, operation == "create", deleted_at) else {
        return Ok(Seen::Nothing(skipped::NOT_STARTED));
    };
    let before = openstack::vm_before(operation, old_state(&vm)?.as_deref());
    // An end is an end, whatever else its record says.
    let ends = stage == Stage::Ended;
    let measures = measures(&vm).map(Some);
    let subject = vm.required("uuid", "export the whole payload")?;
    let made = message.instant("timestamp")?;
    let record = match message.text("message_id")? {
        Some(id) => id,
        None => format!("{event_type}/{subject}/{made}"),
    };
    let initiator = vm.text("action_initiator_user")?;
    Ok(Seen::Resource(Box::new(Sighting {
        kind: VM,
        subject,
        region: None,
        project: vm.required("tenant_id", "export the whole payload: the project pays for the VM")?,
        actor: if initiator.is_some() { initiator } else { vm.text("user_id")? },
        record,
        made,
        since: if ends { since.unwrap_or_default() } else { since? },
        told,
        before,
        attributes: if ends { measures.unwrap_or_default() } else { measures? },
    })))
}

/// The data of a versioned object.
fn data<'a>(fields: &Fields<'a>, name: &'static str) -> Result<Fields<'a>, Flaw> {
    const REMEDY: &str = "export the notification with its whole payload, as Nova sent it";
    let object = fields.object(name)?.ok_or_else(|| Flaw::of_field(name, "is missing", REMEDY))?;
    let data = object.object("nova_object.data")?.filter(|_| object.text("$ref") == Ok(None));
    data.ok_or_else(|| Flaw::of_field(name, "is not a whole versioned object", REMEDY))
}

fn stage(operation: &str, phase: Phase, vm: &Fields<'_>) -> Result<Stage, Flaw> {
    if let Some(stage) = openstack::vm_after(operation).filter(|_| phase == Phase::Done) {
        return Ok(stage);
    }
    let state = vm.required("state", "export the whole payload: the state says whether the VM is billed")?;
    if state == "resized" {
        let is_off = vm.text("power_state")?.is_some_and(|power| power == "shutdown");
        return Ok(Stage::Lives(Some(if is_off { "STOPPED" } else { "RUNNING" })));
    }
    openstack::vm_stage(&state).ok_or_else(|| {
        let reason = format!("{} is not a state that is known", quoted(&state));
        Flaw::of_field(
            "state",
            reason,
            "leave the notification out, or report the state so that it is given a meaning",
        )
    })
}

/// The state before an update.
fn old_state(vm: &Fields<'_>) -> Result<Option<String>, Flaw> {
    match vm.object("state_update")? {
        None => Ok(None),
        Some(_) => data(vm, "state_update")?.text("old_state"),
    }
}

fn measures(vm: &Fields<'_>) -> Result<Attributes, Flaw> {
    let flavor = data(vm, "flavor")?;
    let mut attributes = Attributes::default();
    attributes.number("vcpu", Some(flavor.quantity("vcpus")?));
    attributes.number("ram_gb", openstack::gb_of_mb(flavor.quantity("memory_mb")?));
    let disk_gb = openstack::sum(flavor.number("root_gb")?, flavor.number("ephemeral_gb")?);
    attributes.number("disk_gb", disk_gb);
    attributes.text("os", vm.text("os_type")?);
    attributes.text("flavor", flavor.text("name")?);
    Ok(attributes)
}
