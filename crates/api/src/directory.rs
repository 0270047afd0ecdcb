//! The marketplace's objects: users, workspaces, projects, plans, providers, books, executors, storages, keys, roles,
//! tokens, and the audit log. Words, ids and times as everywhere; what a user, a role or an emitter is, is written by
//! the directory's own words.

pub mod asked;
pub mod audit;
pub mod market;
pub mod people;
pub mod prices;
pub mod tokens;

use crate::read::{Incoming, Unread, json};

/// Requests that are one JSON document.
macro_rules! incoming {
    ($($name:ty),+ $(,)?) => {$(
        impl Incoming for $name {
            fn read(bytes: &[u8]) -> Result<$name, Unread> {
                json(bytes)
            }
        }
    )+};
}

incoming!(
    people::UserRequest,
    people::UserPatch,
    people::WorkspaceRequest,
    people::NamePatch,
    people::ProjectRequest,
    people::ProjectPatch,
    people::MemberRequest,
    people::PlanRequest,
    market::ProviderRequest,
    market::SourceRequest,
    market::ExecutorRequest,
    market::ExecutorPatch,
    market::StorageRequest,
    market::StoragePatch,
    market::CleanUpRequest,
    prices::ContractRequest,
    prices::ExecutorPricesRequest,
    prices::PriceRequest,
    asked::ApiRequest,
    asked::ApiPatch,
    asked::KeyRequest,
    asked::RoleRequest,
    asked::RolePatch,
    asked::GrantRequest,
    tokens::TokenRequest,
    crate::limits::LimitRequest,
    crate::limits::StopRulesDocument,
);
