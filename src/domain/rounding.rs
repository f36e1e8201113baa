//! Rounding modes.

use rust_decimal::RoundingStrategy;

use super::error::{UnknownName, by_name};

/// How a number between two neighbours is rounded. The names are those of IEEE 754 and of Java's
/// `RoundingMode`, which the lending systems of the field use.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum RoundingMode {
    /// To the nearest; a tie goes to the even neighbour ("banker's rounding").
    #[default]
    HalfEven,
    /// To the nearest; a tie goes away from zero ("commercial rounding").
    HalfUp,
    /// To the nearest; a tie goes towards zero.
    HalfDown,
    /// Away from zero.
    Up,
    /// Towards zero (truncation).
    Down,
    /// Towards positive infinity.
    Ceiling,
    /// Towards negative infinity.
    Floor,
}

const NAMES: [(&str, RoundingMode); 7] = [
    ("half_even", RoundingMode::HalfEven),
    ("half_up", RoundingMode::HalfUp),
    ("half_down", RoundingMode::HalfDown),
    ("up", RoundingMode::Up),
    ("down", RoundingMode::Down),
    ("ceiling", RoundingMode::Ceiling),
    ("floor", RoundingMode::Floor),
];

impl RoundingMode {
    /// The mode of a name such as `half_even`, in any case.
    ///
    /// # Errors
    /// [`UnknownName`] lists the names there are.
    pub fn parse(name: &str) -> Result<Self, UnknownName> {
        by_name("rounding mode", name, &NAMES)
    }

    /// The same rule in the arithmetic library's words.
    pub(super) fn strategy(self) -> RoundingStrategy {
        match self {
            Self::HalfEven => RoundingStrategy::MidpointNearestEven,
            Self::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            Self::HalfDown => RoundingStrategy::MidpointTowardZero,
            Self::Up => RoundingStrategy::AwayFromZero,
            Self::Down => RoundingStrategy::ToZero,
            Self::Ceiling => RoundingStrategy::ToPositiveInfinity,
            Self::Floor => RoundingStrategy::ToNegativeInfinity,
        }
    }
}
