//! How amounts are rounded.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::decimal;
use crate::domain::money::{MultipleError, RoundingMode, round_to_multiple};

/// Decimals of a minor unit below which a solved instalment is noise.
const NOISE_DECIMALS: u32 = 6;

/// How amounts are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rounding {
    /// The family of rules that decides the cent.
    pub family: RoundingFamily,
    /// How every amount is rounded to the minor unit.
    pub mode: RoundingMode,
    /// Decimals of the currency's minor unit.
    pub minor_units: u32,
    /// Significant digits of intermediate results, 1 to 28.
    pub precision: u32,
    /// Instalments are rounded to a whole multiple of this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiple: Option<Decimal>,
    /// How instalments are rounded to the multiple. Where it is given, the exact instalment is
    /// rounded by it at once, and not levelled unless `levelling` says so: `up` to 0.01 or to 1 is
    /// the lenders' custom of rounding instalments up to the cent or to the whole unit. Where it is
    /// not, the instalment is first rounded as every amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiple_mode: Option<RoundingMode>,
    /// How the solved instalment is corrected so that the last one differs little.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levelling: Option<Levelling>,
    /// Which instalment takes what rounding leaves.
    pub residue: Residue,
}

impl Default for Rounding {
    fn default() -> Self {
        Self {
            family: RoundingFamily::Progressive,
            mode: RoundingMode::HalfEven,
            minor_units: 2,
            precision: 19,
            multiple: None,
            multiple_mode: None,
            levelling: None,
            residue: Residue::Last,
        }
    }
}

impl Rounding {
    /// The levelling in force: as given, else smoothing for the progressive family and none for
    /// the others and for instalments that have a rounding mode of their own.
    pub fn levelling(&self) -> Levelling {
        self.levelling.unwrap_or(match self.family {
            RoundingFamily::Progressive if self.at_once().is_none() => Levelling::Smooth,
            _ => Levelling::Off,
        })
    }

    /// The multiple and the mode by which the exact instalment is rounded at once, if it is.
    pub(crate) fn at_once(&self) -> Option<(Decimal, RoundingMode)> {
        self.multiple.zip(self.multiple_mode)
    }

    /// The exact instalment, in currency units, as [`Self::at_once`] rounds it. Less than a
    /// millionth of a minor unit is the noise of the solution and rounds nothing up.
    pub(crate) fn round_at_once(
        &self,
        exact: Decimal,
        (multiple, mode): (Decimal, RoundingMode),
    ) -> Result<Decimal, MultipleError> {
        let decimals = self.minor_units + NOISE_DECIMALS;
        let clean = decimal::round(exact, decimals, RoundingMode::HalfEven);
        round_to_multiple(clean, multiple, mode)
    }
}

/// The family of rules that decides the cent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundingFamily {
    /// The instalment follows from the exact factors of the actual periods, is rounded to the
    /// minor unit and smoothed; the last instalment takes the difference.
    #[default]
    Progressive,
    /// The instalment follows from one periodic rate by the annuity formula, interest of each
    /// period is rounded, and the last instalment takes the difference.
    Cumulative,
    /// Nothing is rounded to a minor unit.
    None,
}

/// How the solved instalment is corrected so that the last one differs little from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Levelling {
    /// Not at all.
    Off,
    /// Where the last of n instalments differs by more than n/2 minor units, the difference is
    /// spread once over all, kept only if that brings the last one nearer, at most three times.
    Smooth,
    /// The difference is spread over all until a share of it is not above one minor unit, at most
    /// twenty times.
    Remainder,
}

/// Which instalment takes what rounding leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Residue {
    /// The last.
    #[default]
    Last,
    /// The first that repays principal.
    First,
}
