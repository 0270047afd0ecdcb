//! A ledger at a server.

use std::env;
use std::io::{Read, Write};

use kopeck_api::account::{AccountAnswer, AccountDocument, NewAccount, PastBalance};
use kopeck_api::hold::{HoldDocument, HoldPayment, NewHold};
use kopeck_api::page::PAGE_LIMIT;
use kopeck_api::problem::{Problem, ShortageDocument};
use kopeck_api::statement::{GroupWord, StatementDocument};
use kopeck_api::transaction::{NewTransaction, TransactionDocument};
use kopeck_ledger::name::Moment;
use kopeck_server::documents::DocumentError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::open::unmade;
use super::place::{Books, Change, Which};
use super::refused;
use crate::args::{Period, Sending};
use crate::failure::Failure;
use crate::remote::{Method, Server, Unanswered};

/// A ledger at a server.
pub struct Remote {
    server: Server,
}

impl Remote {
    /// The ledger of a server, to look at it.
    pub fn new(server: Server) -> Remote {
        Remote { server }
    }

    /// The ledger of a server, to ask it for something: now, and as whom the token says.
    pub fn to_write(server: Server, sending: &Sending) -> Result<Remote, Failure> {
        if sending.at.is_some() {
            return Err(Failure::input(
                "--at belongs to a ledger in a folder: a server writes by its own clock",
                None,
                "leave --at out",
            ));
        }
        let by_default = env::var("KOPECK_ACTOR").ok();
        if sending.actor.as_ref().is_some_and(|actor| by_default.as_deref() != Some(actor.as_str())) {
            return Err(Failure::input(
                "--actor belongs to a ledger in a folder: of a server the token says who asks",
                None,
                "leave --actor out, and use a token of that name",
            ));
        }
        Ok(Remote { server })
    }

    /// Looks something up; `None` where there is no such thing.
    fn look<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<Option<T>, Failure> {
        match self.server.get(path, query) {
            Ok(found) => Ok(Some(found)),
            Err(Unanswered::Problem(problem, _)) if problem.status == 404 => Ok(None),
            Err(error) => Err(self.server.failure(error)),
        }
    }

    fn must<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T, Failure> {
        self.server.get(path, query).map_err(|error| self.server.failure(error))
    }

    /// Asks for something under an id.
    fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        id: Uuid,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let error = match self.server.send(method, path, Some(id), body) {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        match error {
            Unanswered::Problem(problem, _) => Err(self.refused(&problem, id)),
            Unanswered::Lost(reason) => Err(Failure::input(
                format!("whether it was done is not known: {reason}"),
                Some(self.server.name()),
                format!("send it again with --id {id}: it is done once, whatever became of it"),
            )),
            other => Err(self.server.failure(other)),
        }
    }

    /// What the server's ledger refuses, in the words of the command line.
    fn refused(&self, problem: &Problem, id: Uuid) -> Failure {
        if let Some(shortage) = &problem.shortage {
            return self.short(shortage);
        }
        let remedy = match problem.kind() {
            "idempotency-key-reused" => {
                "give another --id, or send exactly what was sent first, with the same token".to_owned()
            }
            "exists" => "`kopeck account show` shows it; another account needs another id".to_owned(),
            "hold-ended" => "`kopeck hold show` tells what became of it".to_owned(),
            "outcome-unknown" => {
                format!("send it again with --id {id}: it is done once, whatever became of it")
            }
            "unavailable" | "too-many-requests" => {
                format!("nothing was done: send it again later, with --id {id}")
            }
            "hold-exceeded" | "already-put-right" | "refused" => problem.remedy.clone().unwrap_or_default(),
            _ => return self.server.failure(Unanswered::Problem(Box::new(problem.clone()), None)),
        };
        let is_refusal = problem.status < 500 && problem.status != 429;
        let refused = if is_refusal { "refused: " } else { "" };
        Failure::input(format!("{refused}{}", problem.detail), None, remedy)
    }

    fn short(&self, shortage: &ShortageDocument) -> Failure {
        let found = shortage.account.parse().ok().and_then(|id| self.account(id).ok().flatten());
        let named = found.map(|found| (found.name.to_string(), found.currency.to_string()));
        refused::short(shortage, named)
    }
}

impl Books for Remote {
    fn account(&self, id: Uuid) -> Result<Option<AccountDocument>, Failure> {
        self.look(&format!("v1/accounts/{id}"), &[])
    }

    fn accounts(&self, which: Which<'_>) -> Result<Vec<AccountDocument>, Failure> {
        let mut query = vec![("limit", PAGE_LIMIT.to_string())];
        query.extend(which.kind.map(|kind| ("kind", kind.to_string())));
        query.extend(which.name.map(|name| ("name", name.to_owned())));
        self.server.pages("v1/accounts", query).map_err(|error| self.server.failure(error))
    }

    fn balance_at(&self, account: Uuid, at: Moment) -> Result<PastBalance, Failure> {
        let path = format!("v1/accounts/{account}");
        match self.must(&path, &[("as_of", at.to_string())])? {
            AccountAnswer::Past(balance) => Ok(balance),
            AccountAnswer::Now(_) => Err(self.server.foreign("it answers what the account has now")),
        }
    }

    fn statement(
        &self,
        account: Uuid,
        period: &Period,
        group: GroupWord,
    ) -> Result<StatementDocument, Failure> {
        if let (Some(from), Some(to)) = (period.from, period.to)
            && from >= to
        {
            return Err(unmade(&DocumentError::PeriodEmpty { from, to }));
        }
        let path = format!("v1/accounts/{account}/statement");
        let group = serde_json::to_value(group).unwrap_or_default();
        let mut query = vec![("group", group.as_str().unwrap_or_default().to_owned())];
        query.extend(period.from.map(|from| ("from", from.to_string())));
        query.extend(period.to.map(|to| ("to", to.to_string())));
        let mut lines = Vec::new();
        let mut statement: StatementDocument = self.must(&path, &query)?;
        // Later pages know of lines that came meanwhile, and their sums count them: the last one's are those of all.
        while let Some(next) = statement.next.take() {
            lines.extend(statement.lines.take().unwrap_or_default());
            let cursor = [("cursor", next)];
            let page: Vec<_> = query.iter().cloned().chain(cursor).collect();
            statement = self.must(&path, &page)?;
        }
        if let Some(last) = statement.lines.take() {
            lines.extend(last);
            statement.lines = Some(lines);
        }
        Ok(statement)
    }

    fn transaction(&self, id: Uuid) -> Result<Option<TransactionDocument>, Failure> {
        self.look(&format!("v1/transactions/{id}"), &[])
    }

    fn hold(&self, id: Uuid) -> Result<Option<HoldDocument>, Failure> {
        self.look(&format!("v1/holds/{id}"), &[])
    }

    fn open(&self, id: Uuid, new: NewAccount) -> Result<AccountDocument, Failure> {
        self.ask(Method::Post, "v1/accounts", id, &new)
    }

    fn change(&self, id: Uuid, account: Uuid, change: Change) -> Result<AccountDocument, Failure> {
        let of = format!("v1/accounts/{account}");
        match change {
            Change::CreditLimit(new) => self.ask(Method::Put, &format!("{of}/credit-limit"), id, &new),
            Change::Coefficient(new) => self.ask(Method::Put, &format!("{of}/coefficient"), id, &new),
        }
    }

    fn post(&self, id: Uuid, new: NewTransaction) -> Result<TransactionDocument, Failure> {
        self.ask(Method::Post, "v1/transactions", id, &new)
    }

    fn set_aside(&self, id: Uuid, new: NewHold) -> Result<HoldDocument, Failure> {
        self.ask(Method::Post, "v1/holds", id, &new)
    }

    fn pay(&self, id: Uuid, hold: Uuid, payment: HoldPayment) -> Result<TransactionDocument, Failure> {
        self.ask(Method::Post, &format!("v1/holds/{hold}/post"), id, &payment)
    }

    fn release(&self, id: Uuid, hold: Uuid) -> Result<HoldDocument, Failure> {
        self.ask(Method::Post, &format!("v1/holds/{hold}/release"), id, &())
    }

    fn export(&self, to: &mut dyn Write) -> Result<(), Failure> {
        let export = self.server.stream("v1/export/hledger", &[]);
        let mut reader = export.map_err(|error| self.server.failure(error))?;
        let mut part = vec![0; 1 << 16];
        loop {
            let read = reader.read(&mut part).map_err(|error| self.server.cut(&error))?;
            if read == 0 {
                return Ok(());
            }
            to.write_all(&part[..read])?;
        }
    }
}
