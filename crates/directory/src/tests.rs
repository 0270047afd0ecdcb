//! What the directory does, rule by rule.

mod access;
mod asked;
mod fold;
mod limits;
mod market;
mod people;
mod prices;
