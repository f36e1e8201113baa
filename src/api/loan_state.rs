//! The state of a loan as an aggregate over its operations, in the order recorded.

use pgrx::datum::Internal;
use pgrx::prelude::*;
use pgrx::{JsonB, pg_sys};

use super::servicing::{read_terms, saved};
use crate::domain::loan::servicing::{LoanTerms, Operation, ServicingError, loan_at};
use crate::pg::{self, Answer, Document, OrRefuse};

/// What was gathered of a loan.
#[derive(Default)]
struct Gathered {
    terms: Option<LoanTerms>,
    operations: Vec<Operation>,
}

/// Terms are those of the first row. Rows without an operation are passed over, so that a loan to
/// which nothing happened has a state, too.
#[pg_extern(immutable, parallel_safe)]
fn _loan_state_transition(
    state: Internal,
    terms: Document,
    operation: Option<Document>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer<Internal> {
    pg::transition(state, fcinfo, |gathered: &mut Gathered| {
        gathered.terms.get_or_insert_with(|| read_terms(terms));
        gathered.operations.extend(operation.map(|operation| {
            Operation::from_json(operation.0).map_err(ServicingError::Unreadable).or_refuse()
        }));
        Ok(())
    })
}

#[pg_extern(immutable, strict, parallel_safe)]
fn _loan_state_final(state: Internal) -> Option<JsonB> {
    pg::finish(&state, |gathered: &Gathered| {
        let terms = gathered.terms.clone()?;
        Some(saved(&loan_at(terms, &gathered.operations, None, None).or_refuse()))
    })
    .flatten()
}
