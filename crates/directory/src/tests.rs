//! What the directory does, rule by rule.

mod access;
mod asked;
mod fold;
mod market;
mod people;
mod prices;
