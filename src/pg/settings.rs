//! What a superuser allows to be fetched, as settings of the server.
//!
//! They are defined when the library is loaded. What was set before that by somebody who may not is
//! dropped by the server with a warning.

use std::ffi::{CStr, CString};
use std::path::PathBuf;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, PgSqlErrorCode, pg_guard};

use super::error::Answer;
use crate::net::{Policy, Roots};

type Text = GucSetting<Option<CString>>;

static HOSTS: Text = Text::new(Some(c""));
static NETWORKS: Text = Text::new(Some(c""));
static CA_FILE: Text = Text::new(Some(c""));
static CREDENTIALS: Text = Text::new(Some(c""));

/// What the server calls when it loads the library.
#[allow(non_snake_case)]
#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    let define = |name: &'static CStr, short: &'static CStr, long: &'static CStr, setting| {
        let flags = GucFlags::SUPERUSER_ONLY;
        GucRegistry::define_string_guc(name, short, long, setting, GucContext::Suset, flags);
    };
    define(
        c"loan_engine.fetch_hosts",
        c"Hosts that may be asked for price lists.",
        c"A list with commas: host, host:port, or http://host:port without encryption. Empty: none.",
        &HOSTS,
    );
    define(
        c"loan_engine.fetch_networks",
        c"Networks that are not public and may be reached all the same.",
        c"A list with commas, such as 10.1.0.0/16. Empty: public addresses only.",
        &NETWORKS,
    );
    define(
        c"loan_engine.fetch_ca_file",
        c"PEM file of the authorities that vouch for hosts.",
        c"Empty: those that the machine trusts.",
        &CA_FILE,
    );
    define(
        c"loan_engine.fetch_credentials",
        c"Folder of the credentials that hosts ask for.",
        c"A file for each, which the server must be able to read. Empty: none.",
        &CREDENTIALS,
    );
}

fn text(setting: &Text) -> String {
    setting.get().map(|value| value.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The folder of credentials.
pub fn credentials() -> Option<PathBuf> {
    Some(text(&CREDENTIALS)).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// What may be fetched.
///
/// # Errors
/// F0000 for a setting that is no list of hosts or networks.
pub fn policy() -> Answer<Policy> {
    let file = text(&CA_FILE);
    let roots = if file.is_empty() { Roots::System } else { Roots::File(file.into()) };
    Policy::new(&text(&HOSTS), &text(&NETWORKS), roots).map_err(|part| {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_CONFIG_FILE_ERROR,
            "a setting of the fetch cannot be read",
            "",
        )
        .set_detail(format!("\"{part}\" is no host, or no network."))
        .set_hint("Mend loan_engine.fetch_hosts or loan_engine.fetch_networks.".to_owned())
    })
}
