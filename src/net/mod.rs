//! What is fetched from elsewhere: one HTTP request at a time, in a thread of its own.
//!
//! Nothing here knows PostgreSQL. A [`Policy`] says which places may be asked, by whom they must be
//! vouched for, and what is private; an [`Errand`] asks one of them and is waited for by whoever sent
//! it, or given up. Places, networks and credentials are plain text that an administrator writes.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod credential;
mod errand;
mod failure;
mod network;
mod place;
mod policy;
mod request;

pub use credential::{Credential, credential_text};
pub use errand::{Answer, Errand};
pub use failure::Failure;
pub use network::Network;
pub use place::Place;
pub use policy::{Policy, Roots};
pub use request::{BODY_BYTES_MAX, Request, RequestError, TIME_OUT_SECONDS_MAX};
