//! A lender's whole book inside PostgreSQL.
//!
//! `domain` is the arithmetic, pure and usable as a library without a server; `pg` is the only
//! unsafe code; `api` is what SQL sees, file for file as `domain`.

pub mod domain;

#[cfg(feature = "pg")]
mod api;
#[cfg(feature = "pg")]
mod pg;

#[cfg(feature = "pg")]
pgrx::pg_module_magic!(name, version);
