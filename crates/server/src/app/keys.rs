//! APIs by key, and roles: offered by projects, asked for by users.

use std::collections::BTreeSet;

use kopeck_api::directory::asked::{
    ApiDocument, ApiPatch, ApiRequest, GrantDocument, GrantRequest, KeyDocument, KeyRequest, KeyStatistics,
    RoleDocument, RolePatch, RoleRequest, SecretDocument,
};
use kopeck_api::directory::prices::PriceRequest;
use kopeck_api::forms::{CurrencyCode, Money, Time};
use kopeck_api::page::{Page, PageQuery};
use kopeck_directory::Directory;
use kopeck_directory::access::{Actor, Target};
use kopeck_directory::act::{Act, ApiChange, NewApi, NewPrices, NewRole, OwnPrices};
use kopeck_directory::entity::{Api, ApiKey, Emitter, Grant, KeyLimits, Role, RoleTerms, Standing};
use kopeck_directory::name::{ApiId, GrantId, KeyId, ProjectId, RoleId, SecretHash};
use kopeck_ledger::amount::Amount;
use kopeck_ledger::coefficient::Coefficient;
use kopeck_ledger::name::{Moment, Text};
use kopeck_ledger::purpose::Purpose;
use kopeck_ledger::record::Record;
use kopeck_store::Span;
use uuid::Uuid;

use super::App;
use super::directory::{id, page, perform, reads, seen, user};
use super::market::own_source;
use crate::auth::new_key;
use crate::error::AppError;

/// Records that are read at a time for statistics.
const RECORDS: usize = 1_000;

fn texts(given: &BTreeSet<String>) -> Result<BTreeSet<Text>, AppError> {
    let texts = given.iter().map(|text| {
        Text::new(text).map_err(|error| {
            AppError::invalid("purposes", format!("{text:?} {error}"), "write 1 to 255 bytes for each")
        })
    });
    texts.collect()
}

pub fn create_api(app: &App, by: &Actor, new: ApiRequest) -> Result<ApiDocument, AppError> {
    let api = id(new.id);
    let act = Act::CreateApi(NewApi {
        id: ApiId(api),
        project: ProjectId(new.project.0),
        name: new.name.0,
        source: own_source(new.source, "api", api)?,
        purposes: texts(&new.purposes)?,
        limits: KeyLimits { calls_per_day: new.calls_per_day, calls_per_month: new.calls_per_month },
        price: new.price.0,
    });
    perform(app, by, act)?;
    read_api(app, by, api)
}

pub fn change_api(app: &App, by: &Actor, api: Uuid, patch: ApiPatch) -> Result<ApiDocument, AppError> {
    let limits = patch.limits.map(|limits| KeyLimits {
        calls_per_day: limits.calls_per_day,
        calls_per_month: limits.calls_per_month,
    });
    let act = Act::ChangeApi(ApiChange {
        id: ApiId(api),
        name: patch.name.map(|name| name.0),
        purposes: patch.purposes.as_ref().map(texts).transpose()?,
        limits,
        open: patch.open,
    });
    perform(app, by, act)?;
    read_api(app, by, api)
}

pub fn price_api(app: &App, by: &Actor, api: Uuid, new: &PriceRequest) -> Result<ApiDocument, AppError> {
    let emitter = Emitter::Api(ApiId(api));
    let prices = OwnPrices::Api(new.price.0);
    let effective = new.effective.as_ref().map(|day| day.0);
    perform(app, by, Act::SetPrices(NewPrices { emitter, prices, effective }))?;
    read_api(app, by, api)
}

pub fn read_api(app: &App, by: &Actor, api: Uuid) -> Result<ApiDocument, AppError> {
    let directory = app.directory.snapshot();
    let sees = |found: &Api| reads(&directory, by, Target::Project(&found.project));
    let found = seen(directory.apis().get(&ApiId(api)), sees, "API", &api)?;
    Ok(ApiDocument::of(found, directory.own_prices(Emitter::Api(found.id), app.now())))
}

pub fn list_apis(app: &App, by: &Actor, query: &PageQuery) -> Result<Page<ApiDocument>, AppError> {
    let directory = app.directory.snapshot();
    let sees = |api: &Api| reads(&directory, by, Target::Project(&api.project));
    let document = |api: &Api| ApiDocument::of(api, directory.own_prices(Emitter::Api(api.id), app.now()));
    page(directory.apis(), query, sees, document)
}

pub fn request_key(app: &App, by: &Actor, new: KeyRequest) -> Result<KeyDocument, AppError> {
    let key = KeyId(id(new.id));
    let user = user(new.user, by, "user")?;
    let act = Act::RequestKey { id: key, api: ApiId(new.api), user, purpose: new.purpose.0 };
    perform(app, by, act)?;
    read_key(app, by, key.0)
}

pub fn decide_key(app: &App, by: &Actor, key: Uuid, approve: bool) -> Result<KeyDocument, AppError> {
    perform(app, by, Act::DecideKey { id: KeyId(key), approve })?;
    read_key(app, by, key)
}

pub fn revoke_key(app: &App, by: &Actor, key: Uuid) -> Result<KeyDocument, AppError> {
    perform(app, by, Act::RevokeKey(KeyId(key)))?;
    read_key(app, by, key)
}

/// Makes the key's secret, which its user alone is shown, once.
pub fn fetch_secret(app: &App, by: &Actor, key: Uuid) -> Result<SecretDocument, AppError> {
    let secret = new_key().map_err(|error| AppError::Internal(error.to_string()))?;
    perform(app, by, Act::SetKeySecret { id: KeyId(key), secret: SecretHash::of(&secret) })?;
    Ok(SecretDocument { id: key, secret })
}

fn sees_key(directory: &Directory, by: &Actor, key: &ApiKey) -> bool {
    let of_project =
        directory.apis().get(&key.api).is_some_and(|api| reads(directory, by, Target::Project(&api.project)));
    of_project || reads(directory, by, Target::OwnedBy(key.user))
}

pub fn read_key(app: &App, by: &Actor, key: Uuid) -> Result<KeyDocument, AppError> {
    let directory = app.directory.snapshot();
    let found = directory.keys().get(&KeyId(key));
    seen(found, |found| sees_key(&directory, by, found), "API key", &key).map(|key| key.as_ref().into())
}

pub fn list_keys(app: &App, by: &Actor, query: &PageQuery) -> Result<Page<KeyDocument>, AppError> {
    let directory = app.directory.snapshot();
    page(directory.keys(), query, |key| sees_key(&directory, by, key), |key| key.into())
}

/// What came by a key in `[from, to)`: the calls that its user has paid with a reference that names the key.
pub fn key_statistics(
    app: &App,
    by: &Actor,
    key: Uuid,
    (from, to): (Option<Moment>, Option<Moment>),
) -> Result<KeyStatistics, AppError> {
    let directory = app.directory.snapshot();
    let found = directory.keys().get(&KeyId(key));
    let found = seen(found, |found| sees_key(&directory, by, found), "API key", &key)?;
    let account = found.user.account();
    let name = key.to_string();
    let mut span = Span {
        from: from.unwrap_or(Moment::FIRST),
        to: to.unwrap_or(Moment::LAST),
        before: None,
        limit: RECORDS,
    };
    let (mut requests, mut sum) = (0, Amount::ZERO);
    while let Some(history) = app.ledger.history(account, span)? {
        for paid in history.records.iter().filter_map(|record| paid_by(record, &name)) {
            requests += 1;
            sum = sum.checked_add(paid).ok_or_else(|| AppError::Internal("a sum is too large".to_owned()))?;
        }
        let Some(next) = history.next else { break };
        span.before = Some(next);
    }
    let user = directory.users().get(&found.user);
    let currency = user.map_or(kopeck_ledger::name::Currency::RUB, |user| user.currency);
    Ok(KeyStatistics {
        id: key,
        user: found.user.0,
        since: found.asked.decided.filter(|_| found.asked.standing != Standing::Refused).map(Time),
        from: from.map(Time),
        to: to.map(Time),
        requests,
        sum: Money(sum),
        currency: CurrencyCode(currency),
    })
}

/// What a record of a key's call has cost its user. A reference names the key between spaces, slashes or colons.
fn paid_by(record: &Record, key: &str) -> Option<Amount> {
    let transaction = record.transaction()?;
    let names = transaction.reference.as_ref()?.as_str().split([' ', '/', ':']).any(|part| part == key);
    let paid = transaction.transfers.iter().find(|moved| moved.purpose == Purpose::ApiKeyPayment)?;
    names.then_some(paid.amount)
}

pub fn create_role(app: &App, by: &Actor, new: RoleRequest) -> Result<RoleDocument, AppError> {
    let role = RoleId(id(new.id));
    let terms = RoleTerms {
        name: new.name.0,
        permissions: new.permissions,
        coefficient: new.coefficient.map_or(Coefficient::ONE, |coefficient| coefficient.0),
        entry: new.entry,
    };
    perform(app, by, Act::CreateRole(NewRole { id: role, project: ProjectId(new.project.0), terms }))?;
    read_role(app, by, role.0)
}

pub fn change_role(app: &App, by: &Actor, role: Uuid, patch: RolePatch) -> Result<RoleDocument, AppError> {
    let found = app.directory.snapshot().roles().get(&RoleId(role)).cloned();
    let terms = found.map(|found| {
        let old = &found.terms;
        RoleTerms {
            name: patch.name.map_or_else(|| old.name.clone(), |name| name.0),
            permissions: patch.permissions.unwrap_or_else(|| old.permissions.clone()),
            coefficient: patch.coefficient.map_or(old.coefficient, |coefficient| coefficient.0),
            entry: old.entry,
        }
    });
    perform(app, by, Act::ChangeRole(RoleId(role), terms, patch.active))?;
    read_role(app, by, role)
}

pub fn read_role(app: &App, by: &Actor, role: Uuid) -> Result<RoleDocument, AppError> {
    let directory = app.directory.snapshot();
    let sees = |found: &Role| reads(&directory, by, Target::Project(&found.project));
    seen(directory.roles().get(&RoleId(role)), sees, "role", &role).map(|role| role.as_ref().into())
}

pub fn list_roles(app: &App, by: &Actor, query: &PageQuery) -> Result<Page<RoleDocument>, AppError> {
    let directory = app.directory.snapshot();
    let sees = |role: &Role| reads(&directory, by, Target::Project(&role.project));
    page(directory.roles(), query, sees, |role| role.into())
}

pub fn request_role(app: &App, by: &Actor, new: &GrantRequest) -> Result<GrantDocument, AppError> {
    let grant = GrantId(id(new.id));
    let user = user(new.user, by, "user")?;
    perform(app, by, Act::RequestRole { id: grant, role: RoleId(new.role), user })?;
    read_grant(app, by, grant.0)
}

pub fn decide_role(app: &App, by: &Actor, grant: Uuid, approve: bool) -> Result<GrantDocument, AppError> {
    perform(app, by, Act::DecideRole { id: GrantId(grant), approve })?;
    read_grant(app, by, grant)
}

pub fn revoke_role(app: &App, by: &Actor, grant: Uuid) -> Result<GrantDocument, AppError> {
    perform(app, by, Act::RevokeRole(GrantId(grant)))?;
    read_grant(app, by, grant)
}

fn sees_grant(directory: &Directory, by: &Actor, grant: &Grant) -> bool {
    let of_project = directory
        .roles()
        .get(&grant.role)
        .is_some_and(|role| reads(directory, by, Target::Project(&role.project)));
    of_project || reads(directory, by, Target::OwnedBy(grant.user))
}

pub fn read_grant(app: &App, by: &Actor, grant: Uuid) -> Result<GrantDocument, AppError> {
    let directory = app.directory.snapshot();
    let found = directory.grants().get(&GrantId(grant));
    seen(found, |found| sees_grant(&directory, by, found), "role request", &grant)
        .map(|grant| grant.as_ref().into())
}

pub fn list_grants(app: &App, by: &Actor, query: &PageQuery) -> Result<Page<GrantDocument>, AppError> {
    let directory = app.directory.snapshot();
    page(directory.grants(), query, |grant| sees_grant(&directory, by, grant), |grant| grant.into())
}
