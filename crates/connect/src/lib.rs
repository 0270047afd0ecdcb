//! Converters of foreign records into usage events (rating.md, "Usage events").
//!
//! One module for each source: [`slurm`] (accounting of a cluster) and [`swf`] (Standard Workload Format). Each
//! reads a stream record by record and writes one event a line; a record that can not be converted is refused with
//! its line, field, reason and remedy, and the next one is read. [`convert`] is the frame that they share, and
//! [`usage_event`] the writer of events. Memory does not grow with the number of records.
//!
//! What is not here: opening, decompressing and watching files (the command line does that), order, duplicates and
//! prices of events (`kopeck-rating` judges them), and any clock: the records say when things happened.

pub mod convert;
mod job;
mod lines;
pub mod slurm;
pub mod swf;
pub mod usage_event;
