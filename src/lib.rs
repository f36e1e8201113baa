//! A lender's whole book inside PostgreSQL.
//!
//! `domain` is the arithmetic, pure and usable as a library without a server; `pg` is the only
//! unsafe code; `api` is what SQL sees.

pub mod domain;
