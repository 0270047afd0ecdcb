//! The event log of an OpenStack, as its telemetry service exports it: JSON records of instances, volumes, snapshots
//! and images into events of kind `vm`, `volume`, `checkpoint` and `image`.
//!
//! A file is an array of records or one record a line, of any size: it is read record by record, and what is
//! remembered grows with the number of resources alone (see `openstack`, which also tells how records become lives,
//! what comes of resources that are older than the log, and what of repetitions). A record has `event_type`,
//! `generated` and `message_id`, and what it says of its resource either beside these or in a list `traits`. Times
//! are UTC, as OpenStack writes them: the time zone of the command line is not used, nor is the form of jobs.
//!
//! - The tenant of the resource (`tenant_id`, or where it is missing `project_id`) is the project, the user
//!   (`user_id`) the actor, the source `openstack://REGION` by the field `region`, else by the region of the options,
//!   `openstack://unnamed` without one. A host names no source: a VM that migrates stays the same resource.
//! - `vm` has `vcpu`, `ram_gb` (memory_mb / 1024), `disk_gb` (disk_gb, or root_gb + ephemeral_gb), `flavor`
//!   (instance_type) and `os` (os_distro or os_type, where the log has one). It lives since `launched_at`. Its
//!   state is the record's, but for the ends of power_on, power_off and delete, which say by their name what the
//!   VM is: a state beside them may be older. A resize counts from its record on.
//! - `volume` has `gb` (size) and `tier` (the volume type, as the log names it: often by its id), `checkpoint` has
//!   `gb` (volume_size or size), `image` has `gb` (size / 1024³). They live since `created_at`.
//!
//! Skipped and counted: operations that have only begun, unless such a record is the first of its resource and
//! tells what it was until then; operations that failed, as later records say what became of the resource;
//! resources that do not exist yet (an instance in state building, an image without its data); records that tell
//! nothing new; networks, ports, addresses, routers and all else that these kinds do not know.
//!
//! What is left out: `raw`, the message behind a record; hypervisor facts; floating addresses; Swift and backups.

use std::io::{self, BufRead, Write};

use crate::convert::{Flaw, Options, Refused, Summary, quoted};
use crate::openstack::{
    self, CHECKPOINT, ERROR, Fields, IMAGE, Phase, Seen, Sighting, Stage, Told, VM, VOLUME, skipped,
};
use crate::usage_event::Attributes;

/// Converts one log.
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

/// An event type such as `compute.instance.power_off.end`, taken apart.
#[derive(Debug, Clone, Copy)]
struct Operation<'a> {
    kind: &'static str,
    /// `power_off`
    name: &'a str,
    phase: Phase,
}

impl Operation<'_> {
    fn of(event_type: &str) -> Option<Operation<'_>> {
        const PREFIXES: [(&str, &str); 4] =
            [("compute.instance.", VM), ("volume.", VOLUME), ("snapshot.", CHECKPOINT), ("image.", IMAGE)];
        let (kind, rest) = PREFIXES
            .into_iter()
            .find_map(|(prefix, kind)| event_type.strip_prefix(prefix).map(|rest| (kind, rest)))?;
        // Counters of reads and writes; sendings of an image; steps that repeat others without naming the image.
        let says_nothing = match kind {
            VOLUME => rest == "usage",
            IMAGE => matches!(rest, "activate" | "prepare" | "send"),
            _ => false,
        };
        if says_nothing {
            return None;
        }
        let (name, phase) = Phase::of(rest);
        Some(Operation { kind, name, phase })
    }

    fn creates(self) -> bool {
        self.name == "create" || self.kind == IMAGE && self.name == "upload"
    }
}

fn read(text: &[u8]) -> Result<Seen, Flaw> {
    let mut fields = Fields::read(text)?;
    let event_type = fields.required("event_type", "is this an event log? Export its records whole")?;
    let Some(operation) = Operation::of(&event_type) else {
        return Ok(Seen::Nothing(skipped::NOT_BILLED));
    };
    if operation.phase == Phase::Error {
        return Ok(Seen::Nothing(skipped::FAILED));
    }
    fields.add_traits()?;
    let since = fields.time(if operation.kind == VM { "launched_at" } else { "created_at" });
    let stage = stage(operation, &fields)?;
    if stage == Stage::Lives(Some(ERROR)) && operation.kind == VM && since == Ok(None) {
        return Ok(Seen::Nothing(skipped::NOT_STARTED));
    }
    let deleted_at = fields.time("deleted_at").unwrap_or_default();
    let Some(told) = Told::of(stage, operation.phase, operation.creates(), deleted_at) else {
        return Ok(Seen::Nothing(skipped::NOT_STARTED));
    };
    // An end is an end, whatever else its record says.
    let ends = stage == Stage::Ended;
    let measures = measures(operation.kind, &fields).map(Some);
    let subject = subject(operation.kind, &fields)?;
    let made = fields.instant("generated")?;
    let record = match fields.text("message_id")? {
        Some(id) => id,
        None => format!("{event_type}/{subject}/{made}"),
    };
    Ok(Seen::Resource(Box::new(Sighting {
        kind: operation.kind,
        subject,
        region: fields.text("region")?,
        project: project(&fields)?,
        actor: fields.text("user_id")?,
        record,
        made,
        since: if ends { since.unwrap_or_default() } else { since? },
        told,
        before: before(operation, &fields)?,
        attributes: if ends { measures.unwrap_or_default() } else { measures? },
    })))
}

fn stage(operation: Operation<'_>, fields: &Fields<'_>) -> Result<Stage, Flaw> {
    let done = match operation.kind {
        _ if operation.phase != Phase::Done => None,
        VM => openstack::vm_after(operation.name),
        _ => (operation.name == "delete").then_some(Stage::Ended),
    };
    if let Some(stage) = done {
        return Ok(stage);
    }
    let (name, read): (_, fn(&str) -> Option<Stage>) = match operation.kind {
        VM => ("state", openstack::vm_stage),
        IMAGE => ("status", openstack::image_stage),
        _ => ("status", openstack::storage_stage),
    };
    let text = fields.required(name, "export the field: it says whether the resource is billed")?;
    read(&text).ok_or_else(|| {
        let reason = format!("{} is not a state that is known", quoted(&text));
        Flaw::of_field(
            name,
            reason,
            "leave the record out, or report the state so that it is given a meaning",
        )
    })
}

/// The state until an operation was done, where the record says so.
fn before(operation: Operation<'_>, fields: &Fields<'_>) -> Result<Option<&'static str>, Flaw> {
    Ok(match (operation.kind, operation.name) {
        (VM, name) => openstack::vm_before(name, fields.text("old_state")?.as_deref()),
        (VOLUME, "attach") => Some("AVAILABLE"),
        (VOLUME, "detach") => Some("IN-USE"),
        _ => None,
    })
}

fn subject(kind: &'static str, fields: &Fields<'_>) -> Result<String, Flaw> {
    let own = match kind {
        VM => "instance_id",
        CHECKPOINT => "snapshot_id",
        VOLUME => "volume_id",
        _ => "image_id",
    };
    // A record of another resource may name this one too; its own id is `resource_id`.
    match fields.text("resource_id")? {
        Some(id) => Ok(id),
        None => fields.required(own, "export the id of the resource"),
    }
}

fn project(fields: &Fields<'_>) -> Result<String, Flaw> {
    // `project_id` may be the one that asked for the operation, `tenant_id` owns the resource.
    const REMEDY: &str = "export the field: the project pays for the resource";
    match fields.text("tenant_id")? {
        Some(id) => Ok(id),
        None => fields.required("project_id", REMEDY),
    }
}

fn measures(kind: &'static str, fields: &Fields<'_>) -> Result<Attributes, Flaw> {
    let mut attributes = Attributes::default();
    match kind {
        VM => {
            attributes.number("vcpu", Some(fields.quantity("vcpus")?));
            attributes.number("ram_gb", openstack::gb_of_mb(fields.quantity("memory_mb")?));
            let disk_gb = match fields.number("disk_gb")? {
                Some(disk_gb) => Some(disk_gb),
                None => openstack::sum(fields.number("root_gb")?, fields.number("ephemeral_gb")?),
            };
            attributes.number("disk_gb", disk_gb);
            let os = fields.text("os_distro")?;
            attributes.text("os", if os.is_some() { os } else { fields.text("os_type")? });
            attributes.text("flavor", fields.text("instance_type")?);
        }
        IMAGE => attributes.number("gb", Some(openstack::gb_of_bytes(fields, "size")?)),
        CHECKPOINT => {
            let gb = fields.number("volume_size")?;
            attributes.number("gb", if gb.is_some() { gb } else { Some(fields.quantity("size")?) });
        }
        _ => {
            attributes.number("gb", Some(fields.quantity("size")?));
            let tier = fields.text("type")?;
            attributes.text("tier", if tier.is_some() { tier } else { fields.text("volume_type")? });
        }
    }
    Ok(attributes)
}
