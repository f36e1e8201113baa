//! How alike names are.

use pgrx::prelude::*;

use crate::domain::matching;

/// How alike two names are, from 0 to 1, whatever the order of their words: words are paired by
/// the similarities of Jaro and Winkler and of Damerau and Levenshtein and weighted by their letters.
#[pg_extern(immutable, parallel_safe)]
fn name_similarity(a: &str, b: &str) -> f64 {
    matching::name_similarity(a, b)
}
