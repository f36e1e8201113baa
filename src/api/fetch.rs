//! What is at a URL, fetched without a transaction.

use pgrx::JsonB;
use pgrx::datum::datetime_support::clock_timestamp;
use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::domain::error::Refusal;
use crate::net::{Answer, Credential, Errand, Failure, Policy, Request, RequestError};
use crate::pg::{self, Caller, Document, Found, Name, OrReport, Whole, cell};

/// The request, and what may be asked.
fn read(
    url: &str,
    headers: &Value,
    time_out_seconds: i32,
    most_bytes: i32,
) -> Result<Request, RequestError> {
    let members = headers
        .as_object()
        .ok_or(RequestError::Header(headers.to_string(), "headers are an object"))?;
    let listed: Vec<(&str, &str)> = members
        .iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name.as_str(), text.as_str())),
            _ => Err(RequestError::Header(name.clone(), "its value is no text")),
        })
        .collect::<Result<_, _>>()?;
    Request::new(url, listed, time_out_seconds, most_bytes)
}

/// Refuses a request that could not be made.
#[pg_extern(immutable, parallel_safe)]
fn check_fetch(
    url: Name,
    headers: Document,
    time_out_seconds: Whole,
    most_bytes: Whole,
) -> pg::Answer<()> {
    read(url.0, &headers.0, time_out_seconds.0, most_bytes.0).or_report().map(|_| ())
}

/// Sends the request and waits for what comes of it.
fn fetched(request: Request, credential: Option<&str>, policy: Policy) -> Result<Answer, Failure> {
    let request = match credential {
        Some(reference) => request.with(Credential::read(pg::credentials().as_deref(), reference)?),
        None => request,
    };
    let errand = pg::with_signals_blocked(|| Errand::send(request, policy))?;
    if pg::wait_for(errand.bell(), errand.deadline()) {
        errand.result()
    } else {
        Err(errand.late())
    }
}

/// A failure as others read it.
fn told(failure: &Failure) -> JsonB {
    JsonB(json!({
        "code": failure.code(),
        "message": failure.to_string(),
        "detail": failure.detail(),
        "hint": failure.hint(),
    }))
}

#[pg_extern(sql = r#"
create procedure _fetch(
    url text,
    headers jsonb default '{}',
    credential text default null,
    time_out_seconds integer default 30,
    most_bytes integer default 4194304,
    inout status integer default null,
    inout content_type text default null,
    inout retry_after_seconds integer default null,
    inout body bytea default null,
    inout fetched_at timestamptz default null,
    inout failure jsonb default null
) language c
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#)]
fn _fetch(
    url: Name,
    headers: Document,
    credential: Option<&str>,
    time_out_seconds: Whole,
    most_bytes: Whole,
    caller: Caller,
) -> pg::Answer<Found> {
    let request = read(url.0, &headers.0, time_out_seconds.0, most_bytes.0).or_report()?;
    let credential = credential.map(str::to_owned);
    let policy = pg::policy()?;
    caller.commit()?;
    let result = fetched(request, credential.as_deref(), policy);
    let at = clock_timestamp();
    let (answer, failure) = match result {
        Ok(answer) => (Some(answer), None),
        Err(failure) => (None, Some(told(&failure))),
    };
    let (status, retry_after) = match &answer {
        Some(answer) => (Some(i32::from(answer.status)), answer.retry_after_seconds),
        None => (None, None),
    };
    let (content_type, body) = match answer {
        Some(answer) => (answer.content_type, Some(answer.body)),
        None => (None, None),
    };
    Ok(Found(vec![
        cell(status),
        cell(content_type),
        cell(retry_after),
        cell(body),
        cell(at),
        cell(failure),
    ]))
}
