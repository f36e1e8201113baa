//! Chains of hashes: each link is of the one before and of what is said now.

use pgrx::prelude::*;
use sha2::{Digest, Sha256};

/// The next link. `state` is the link made last in this run, `previous` the one before the run.
#[pg_extern(immutable, parallel_safe)]
fn _hash_link(state: Option<&[u8]>, previous: Option<&[u8]>, content: Option<&str>) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(state.or(previous).unwrap_or_default());
    hash.update(content.unwrap_or_default());
    hash.finalize().to_vec()
}
