//! What each instalment pays, by the method and the terms that vary it.

use rust_decimal::Decimal;

use crate::domain::decimal;
use crate::domain::loan::ScheduleError;
use crate::domain::loan::terms::{CustomInstalment, Method, ScheduleTerms};

/// What an instalment pays. The unknown of a loan is one amount, of which the instalments are
/// multiples: `weight` × amount + `shift`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pay {
    /// A whole instalment that follows the unknown.
    Level { weight: Decimal, shift: Decimal },
    /// A part of principal that follows the unknown, and the interest.
    Part { weight: Decimal, shift: Decimal },
    /// The interest.
    Interest,
    /// Nothing; the interest is deferred.
    Nothing,
    /// An agreed instalment.
    Instalment(Decimal),
    /// An agreed part of principal, and the interest.
    Principal(Decimal),
}

/// The rule of one instalment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) pay: Pay,
    /// Whether its interest is not paid with it.
    pub(crate) defers: bool,
    /// Whether its period bears no interest.
    pub(crate) free: bool,
}

/// The rules of all instalments of valid terms.
pub(crate) fn rules(terms: &ScheduleTerms) -> Result<Vec<Rule>, ScheduleError> {
    let mut steps = Steps::new(terms);
    let mut custom = terms.custom.iter().peekable();
    (1..=terms.instalments)
        .map(|number| {
            let (weight, shift) = steps.next(number)?;
            let own = custom.next_if(|custom| custom.number == number);
            let pay = match own {
                Some(custom) => agreed(custom),
                None => usual(terms, number, weight, shift),
            };
            let grace = terms.grace.interest_payment.max(terms.grace.moratorium);
            Ok(Rule {
                pay,
                defers: pay == Pay::Nothing || number <= grace,
                free: number <= terms.grace.interest_free,
            })
        })
        .collect()
}

fn agreed(custom: &CustomInstalment) -> Pay {
    match (custom.instalment, custom.principal) {
        (Some(instalment), _) => Pay::Instalment(instalment),
        (None, Some(principal)) => Pay::Principal(principal),
        (None, None) => Pay::Nothing,
    }
}

/// What the method says of an instalment; the last one takes the rest whatever it says.
fn usual(terms: &ScheduleTerms, number: u32, weight: Decimal, shift: Decimal) -> Pay {
    if number <= terms.grace.moratorium {
        return Pay::Nothing;
    }
    match terms.method {
        Method::InterestOnly => Pay::Interest,
        Method::Bullet => Pay::Nothing,
        _ if without_principal(terms, number) => Pay::Interest,
        Method::Annuity | Method::SimpleInterest => Pay::Level { weight, shift },
        Method::EqualPrincipal | Method::Flat => Pay::Part { weight, shift },
    }
}

/// Whether an instalment has no principal: the first ones in grace and, where that recurs, all but
/// one of every few after it.
fn without_principal(terms: &ScheduleTerms, number: u32) -> bool {
    let grace = &terms.grace;
    let after = number.saturating_sub(grace.principal);
    after == 0 || !(after - 1).is_multiple_of(grace.recurring_principal + 1)
}

/// The weights and shifts of instalments that grow by steps.
struct Steps {
    every: u32,
    amount: Decimal,
    growth: Decimal,
    weight: Decimal,
    shift: Decimal,
}

impl Steps {
    fn new(terms: &ScheduleTerms) -> Self {
        let step = terms.step.as_ref();
        let fraction = step.and_then(|step| step.fraction).unwrap_or_default();
        Self {
            every: step.map_or(u32::MAX, |step| step.every.max(1)),
            amount: step.and_then(|step| step.amount).unwrap_or_default(),
            growth: decimal::add(Decimal::ONE, fraction).unwrap_or(Decimal::ONE),
            weight: Decimal::ONE,
            shift: Decimal::ZERO,
        }
    }

    /// The weight and shift of an instalment; to be asked of each in turn.
    fn next(&mut self, number: u32) -> Result<(Decimal, Decimal), ScheduleError> {
        if number > 1 && (number - 1).is_multiple_of(self.every) {
            self.weight = decimal::mul(self.weight, self.growth)?;
            self.shift = decimal::add(self.shift, self.amount)?;
        }
        Ok((self.weight, self.shift))
    }
}
