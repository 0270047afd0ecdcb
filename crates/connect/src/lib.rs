//! Converters of foreign records into usage events (rating.md, "Usage events").
//!
//! One module for each source: [`slurm`] (accounting of a cluster) and [`swf`] (Standard Workload Format). Each
//! reads a stream record by record and writes one event a line; a record that can not be converted is refused with
//! its line, field, reason and remedy, and the next one is read. [`convert`] is the frame that they share, and
//! [`usage_event`] the writer of events. Memory does not grow with the number of records; [`openstack_log`] and
//! [`nova_notification`] remember a few bytes of each resource, [`focus`] and [`azure_cost`] some 40 of each row of a
//! bill, by which rows that say the same are told apart.
//!
//! Costs that other clouds have priced come from [`focus`] and [`azure_cost`], calls with their tokens from
//! [`api_calls`], what users store from [`storage_usage`]. [`azure_rate_card`] is no source of events: it makes a price
//! book.
//!
//! What is not here: opening, decompressing and watching files (the command line does that), order, duplicates and
//! prices of events (`kopeck-rating` judges them), and any clock: the records say when things happened.

pub mod api_calls;
pub mod azure_cost;
pub mod azure_rate_card;
pub mod convert;
mod cost;
pub mod decimal;
pub mod focus;
mod job;
mod lines;
mod moment;
pub mod nova_notification;
mod occurrence;
mod openstack;
pub mod openstack_log;
mod records;
pub mod slurm;
mod source_name;
pub mod storage_usage;
pub mod swf;
mod table;
pub mod usage_event;
