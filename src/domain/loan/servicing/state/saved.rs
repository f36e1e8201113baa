//! The form in which a loan's state is stored, so that one more operation can be applied to it.
//!
//! The form is an object with everything that would have to be folded again, and a version. What is
//! as it is at the start is left out.

use serde_json::Value;

use super::loan::Loan;
use super::refusal::ServicingError;
use super::variation::Change;
use crate::domain::limits::{INSTALMENTS_MAX, OPERATIONS_MAX};
use crate::domain::loan::terms::{Problem, spell_out_numbers};

/// The version of the form.
const VERSION: u64 = 1;

impl Loan {
    /// The state as it is stored.
    ///
    /// # Errors
    /// [`ServicingError::NeedsHistory`] for a loan whose history was left out.
    pub fn save(&self) -> Result<Value, ServicingError> {
        self.check_whole()?;
        let unwritable =
            |message: String| ServicingError::Unreadable(Problem { path: "state".into(), message });
        match serde_json::to_value(self) {
            Ok(Value::Object(mut members)) => {
                members.insert("version".into(), VERSION.into());
                Ok(Value::Object(members))
            }
            Ok(_) => Err(unwritable("is not an object".into())),
            Err(error) => Err(unwritable(error.to_string())),
        }
    }

    /// The state of a stored form.
    ///
    /// # Errors
    /// [`ServicingError::Unreadable`] with the path of what is not part of a state, below `state`.
    pub fn restore(document: Value) -> Result<Self, ServicingError> {
        Self::read_saved(document).map_err(ServicingError::Unreadable)
    }

    fn read_saved(document: Value) -> Result<Self, Problem> {
        let problem =
            |path: &str, message: &str| Problem { path: path.into(), message: message.into() };
        let Value::Object(mut members) = document else {
            return Err(problem("state", "not an object"));
        };
        match members.remove("version").as_ref().and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(_) => return Err(problem("state.version", "not a version this engine reads")),
            None => {
                return Err(problem("state.version", "missing; give what fold or apply returned"));
            }
        }
        members.values_mut().for_each(spell_out_numbers);
        let loan: Self =
            serde_path_to_error::deserialize(Value::Object(members)).map_err(|error| {
                let path = match error.path().to_string() {
                    path if path == "." => "state".into(),
                    path => format!("state.{path}"),
                };
                Problem { path, message: error.into_inner().to_string() }
            })?;
        loan.check_saved()?;
        Ok(loan)
    }

    /// Checks what the engine relies on: lists in order and within their limits.
    fn check_saved(&self) -> Result<(), Problem> {
        self.terms.validate().map_err(|problems| {
            let first = problems.into_iter().next();
            let (path, message) =
                first.map_or_else(Default::default, |one| (one.path, one.message));
            Problem { path: format!("state.terms.{path}"), message }
        })?;
        let numbered = |numbers: &mut dyn Iterator<Item = u32>| {
            numbers.zip(1u32..).all(|(number, expected)| number == expected)
        };
        let counts = self.variations.iter().map(|one| match one.change {
            Change::ExtraInstalments(count)
            | Change::PrincipalGrace(count)
            | Change::InterestGrace(count) => usize::try_from(count).unwrap_or(usize::MAX),
            _ => 0,
        });
        let added = counts.fold(0, usize::saturating_add);
        for (holds, path, message) in [
            (
                numbered(&mut self.operations.iter().map(|one| one.sequence)),
                "operations",
                "not numbered in the order recorded",
            ),
            (
                numbered(&mut self.transactions.iter().map(|one| one.id)),
                "transactions",
                "not numbered in the order made",
            ),
            (
                numbered(&mut self.lines.iter().map(|one| one.number)),
                "lines",
                "not numbered in order",
            ),
            (self.operations.len() <= OPERATIONS_MAX, "operations", "too many"),
            (self.lines.len() <= INSTALMENTS_MAX.saturating_mul(2), "lines", "too many"),
            (added <= INSTALMENTS_MAX, "variations", "too many instalments"),
        ] {
            if !holds {
                return Err(Problem { path: format!("state.{path}"), message: message.into() });
            }
        }
        Ok(())
    }
}
