//! The names of the terms: which contract types have them, and what is done with them.
//!
//! The names and their applicability are those of the ACTUS dictionary, version 1.4. A name that
//! is not here, or not a term of the contract's type, is refused: a term that was misspelt and
//! passed over would change the cash flows without a word.

use serde_json::Value;

use crate::domain::actus::contract::ContractType::{self, Ann, Clm, Lam, Lax, Nam, Pam};
use crate::domain::actus::cycle::Period;
use crate::domain::actus::reader::{Reader, label, number, text, time};

/// What is done with a term.
#[derive(Clone, Copy)]
pub enum Use {
    /// It shapes the events.
    Shapes,
    /// It describes the contract and has no part in any event; it must have its type all the same.
    Describes(fn(&Value) -> Result<(), String>),
    /// It would shape the events in a way that is not defined well enough to follow.
    Refused(&'static str),
}

/// A term of the dictionary.
pub struct Term {
    name: &'static str,
    of: &'static [ContractType],
    used: Use,
}

const ALL: &[ContractType] = &[Pam, Lam, Nam, Ann, Lax, Clm];
const NOT_CALL_MONEY: &[ContractType] = &[Pam, Lam, Nam, Ann, Lax];
const NOT_ARRAYS: &[ContractType] = &[Pam, Lam, Nam, Ann, Clm];
const BY_CYCLE: &[ContractType] = &[Lam, Nam, Ann];
const AMORTISING: &[ContractType] = &[Lam, Nam, Ann, Lax];
const SIMPLE: &[ContractType] = &[Pam, Lam, Lax];
const CREDIT_LINES: &[ContractType] = &[Pam, Lam, Nam, Ann];

const A_LABEL: Use = Use::Describes(|value| label(value).map(drop));
const A_TIME: Use = Use::Describes(|value| time(value).map(drop));
const A_NUMBER: Use = Use::Describes(|value| number(value).map(drop));
const A_PERIOD: Use = Use::Describes(|value| Period::parse(text(value)?).map(drop));
const OPTIONALITY: Use = Use::Refused(
    "is not followed; prepayments are what \"eventsObserved\" holds under the type PP",
);

const fn shapes(name: &'static str, of: &'static [ContractType]) -> Term {
    Term { name, of, used: Use::Shapes }
}

const fn term(name: &'static str, of: &'static [ContractType], used: Use) -> Term {
    Term { name, of, used }
}

#[rustfmt::skip]
static TERMS: &[Term] = &[
    // The contract and its parties.
    shapes("contractType", ALL),
    shapes("contractRole", ALL),
    shapes("statusDate", ALL),
    shapes("currency", ALL),
    shapes("settlementCurrency", ALL),
    term("contractID", ALL, A_LABEL),
    term("creatorID", ALL, A_LABEL),
    term("counterpartyID", ALL, A_LABEL),
    term("contractDealDate", ALL, A_TIME),
    term("contractPerformance", ALL, A_LABEL),
    term("nonPerformingDate", ALL, A_TIME),
    term("seniority", ALL, A_LABEL),
    term("gracePeriod", ALL, A_PERIOD),
    term("delinquencyPeriod", ALL, A_PERIOD),
    term("delinquencyRate", ALL, A_NUMBER),
    term("creditLineAmount", CREDIT_LINES, A_NUMBER),
    term("marketObjectCode", NOT_CALL_MONEY, A_LABEL),
    term("marketValueObserved", NOT_CALL_MONEY, A_NUMBER),
    // Dates.
    shapes("calendar", ALL),
    shapes("businessDayConvention", ALL),
    shapes("endOfMonthConvention", ALL),
    // Principal.
    shapes("notionalPrincipal", ALL),
    shapes("initialExchangeDate", ALL),
    shapes("maturityDate", ALL),
    shapes("premiumDiscountAtIED", NOT_CALL_MONEY),
    shapes("cycleAnchorDateOfPrincipalRedemption", BY_CYCLE),
    shapes("cycleOfPrincipalRedemption", BY_CYCLE),
    shapes("nextPrincipalRedemptionPayment", BY_CYCLE),
    shapes("amortizationDate", &[Ann]),
    shapes("arrayCycleAnchorDateOfPrincipalRedemption", &[Lax]),
    shapes("arrayCycleOfPrincipalRedemption", &[Lax]),
    shapes("arrayNextPrincipalRedemptionPayment", &[Lax]),
    shapes("arrayIncreaseDecrease", &[Lax]),
    shapes("xDayNotice", &[Clm]),
    // Interest.
    shapes("nominalInterestRate", ALL),
    shapes("dayCountConvention", ALL),
    shapes("accruedInterest", ALL),
    shapes("cycleAnchorDateOfInterestPayment", NOT_ARRAYS),
    shapes("cycleOfInterestPayment", NOT_ARRAYS),
    shapes("arrayCycleAnchorDateOfInterestPayment", &[Lax]),
    shapes("arrayCycleOfInterestPayment", &[Lax]),
    shapes("cyclePointOfInterestPayment", SIMPLE),
    shapes("capitalizationEndDate", NOT_CALL_MONEY),
    shapes("interestCalculationBase", AMORTISING),
    shapes("interestCalculationBaseAmount", AMORTISING),
    shapes("cycleAnchorDateOfInterestCalculationBase", AMORTISING),
    shapes("cycleOfInterestCalculationBase", AMORTISING),
    // Rate resets.
    shapes("cycleAnchorDateOfRateReset", NOT_ARRAYS),
    shapes("cycleOfRateReset", NOT_ARRAYS),
    shapes("arrayCycleAnchorDateOfRateReset", &[Lax]),
    shapes("arrayCycleOfRateReset", &[Lax]),
    shapes("arrayRate", &[Lax]),
    shapes("arrayFixedVariable", &[Lax]),
    shapes("marketObjectCodeOfRateReset", ALL),
    shapes("rateMultiplier", ALL),
    shapes("rateSpread", NOT_ARRAYS),
    shapes("nextResetRate", ALL),
    shapes("lifeCap", ALL),
    shapes("lifeFloor", ALL),
    shapes("periodCap", ALL),
    shapes("periodFloor", ALL),
    shapes("cyclePointOfRateReset", SIMPLE),
    // Observations are dated by the reset they apply to, so the lead of a fixing shifts nothing.
    // Its dictionary name is the first; published contracts also write the second.
    term("fixingPeriod", ALL, A_PERIOD),
    term("fixingDays", ALL, A_PERIOD),
    // Scaling.
    shapes("scalingEffect", NOT_CALL_MONEY),
    shapes("marketObjectCodeOfScalingIndex", NOT_CALL_MONEY),
    shapes("scalingIndexAtContractDealDate", NOT_CALL_MONEY),
    shapes("notionalScalingMultiplier", NOT_CALL_MONEY),
    shapes("interestScalingMultiplier", NOT_CALL_MONEY),
    shapes("cycleAnchorDateOfScalingIndex", NOT_CALL_MONEY),
    shapes("cycleOfScalingIndex", NOT_CALL_MONEY),
    // Fees.
    shapes("feeRate", ALL),
    shapes("feeBasis", ALL),
    shapes("feeAccrued", ALL),
    shapes("cycleAnchorDateOfFee", ALL),
    shapes("cycleOfFee", ALL),
    // Purchase, termination, prepayment.
    shapes("purchaseDate", NOT_CALL_MONEY),
    shapes("priceAtPurchaseDate", NOT_CALL_MONEY),
    shapes("terminationDate", NOT_CALL_MONEY),
    shapes("priceAtTerminationDate", NOT_CALL_MONEY),
    shapes("prepaymentEffect", NOT_CALL_MONEY),
    shapes("penaltyType", NOT_CALL_MONEY),
    shapes("penaltyRate", NOT_CALL_MONEY),
    term("prepaymentPeriod", ALL, A_PERIOD),
    term("cycleAnchorDateOfOptionality", NOT_CALL_MONEY, OPTIONALITY),
    term("cycleOfOptionality", NOT_CALL_MONEY, OPTIONALITY),
    term("optionExerciseEndDate", NOT_CALL_MONEY, OPTIONALITY),
];

/// Every name, for tests that try them all.
#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    TERMS.iter().map(|term| term.name)
}

/// Notes every member that is no term of the contract type, or one that is not followed.
pub fn check_names(reader: &mut Reader<'_>, contract_type: ContractType) {
    for name in reader.names() {
        if reader.value(name).is_none() {
            continue;
        }
        match TERMS.iter().find(|term| term.name == name) {
            None => reader.note(name, "is not a term of the ACTUS dictionary"),
            Some(term) if !term.of.contains(&contract_type) => {
                reader.note(name, format!("is not a term of {}", contract_type.code()));
            }
            Some(Term { used: Use::Refused(reason), .. }) => reader.note(name, *reason),
            Some(Term { used: Use::Describes(check), .. }) => {
                reader.optional(name, *check);
            }
            Some(Term { used: Use::Shapes, .. }) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_unique() {
        for (index, term) in TERMS.iter().enumerate() {
            assert!(!TERMS[..index].iter().any(|other| other.name == term.name), "{}", term.name);
        }
    }

    #[test]
    fn what_is_no_term_of_the_type_is_refused() {
        let object = json!({
            "contractID": "c", "cycleOfOptionality": "P1ML1", "xDayNotice": "P1D",
            "maturitydate": "2014-01-01", "amortizationDate": null, "contractDealDate": "soon",
        });
        let mut reader = Reader::new(object.as_object().unwrap(), "");
        check_names(&mut reader, Pam);
        let found: Vec<String> = reader.into_problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "contractDealDate (\"soon\") is not a time such as 2013-01-31T00:00:00",
                "cycleOfOptionality is not followed; prepayments are what \"eventsObserved\" \
                 holds under the type PP",
                "maturitydate is not a term of the ACTUS dictionary",
                "xDayNotice is not a term of PAM",
            ]
        );
    }
}
