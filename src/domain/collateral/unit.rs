//! Units of weight and marks of purity.

use rust_decimal::Decimal;

use super::CollateralError;
use crate::domain::decimal::{div, mul};
use crate::domain::error::by_name;

/// A unit in which precious metals are weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightUnit {
    /// A gram.
    Gram,
    /// A kilogram: 1,000 grams.
    Kilogram,
    /// A tola: 11.6638038 grams, 180 grains, as bullion is weighed in South Asia.
    Tola,
    /// A troy ounce: 31.1034768 grams, as the London market quotes.
    TroyOunce,
}

const NAMES: [(&str, WeightUnit); 4] = [
    ("gram", WeightUnit::Gram),
    ("kilogram", WeightUnit::Kilogram),
    ("tola", WeightUnit::Tola),
    ("troy_ounce", WeightUnit::TroyOunce),
];

impl WeightUnit {
    /// The unit of a name: `gram`, `kilogram`, `tola`, `troy_ounce`.
    ///
    /// # Errors
    /// [`CollateralError::Unknown`] lists the names there are.
    pub fn parse(name: &str) -> Result<Self, CollateralError> {
        Ok(by_name("unit of weight", name, &NAMES)?)
    }

    /// How many grams it has, exactly.
    pub fn grams(self) -> Decimal {
        match self {
            Self::Gram => Decimal::ONE,
            Self::Kilogram => Decimal::ONE_THOUSAND,
            Self::Tola => Decimal::from_parts(116_638_038, 0, 0, false, 7),
            Self::TroyOunce => Decimal::from_parts(311_034_768, 0, 0, false, 7),
        }
    }
}

/// A weight in another unit, to 28 digits.
///
/// # Errors
/// [`CollateralError::Arithmetic`] for a weight out of range.
pub fn convert_weight(
    weight: Decimal,
    from: WeightUnit,
    to: WeightUnit,
) -> Result<Decimal, CollateralError> {
    if from == to {
        return Ok(weight);
    }
    Ok(div(mul(weight, from.grams())?, to.grams())?)
}

/// The share of fine metal that a mark tells: karats of 24 (`22K`), parts per thousand (`916`), a
/// quotient (`22/24`) or a fraction (`0.916`). 22 karats are 0.91666…, the hallmark 916 is 0.916.
///
/// # Errors
/// [`CollateralError::Purity`] for what is no mark, or more than fine.
pub fn purity(mark: &str) -> Result<Decimal, CollateralError> {
    let unread = || CollateralError::Purity(mark.chars().take(80).collect());
    let text = mark.trim().to_ascii_lowercase();
    let number = |text: &str| text.trim().parse::<Decimal>().map_err(|_| unread());
    let karats = ["kt", "ct", "k"].iter().find_map(|suffix| text.strip_suffix(suffix));
    let share = if let Some(karats) = karats {
        div(number(karats)?, Decimal::from(24))?
    } else if let Some((over, under)) = text.split_once('/') {
        let under = number(under)?;
        if under <= Decimal::ZERO {
            return Err(unread());
        }
        div(number(over)?, under)?
    } else {
        let number = number(&text)?;
        if number > Decimal::ONE { div(number, Decimal::ONE_THOUSAND)? } else { number }
    };
    if share <= Decimal::ZERO || share > Decimal::ONE { Err(unread()) } else { Ok(share) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn units_are_as_defined() {
        let convert = |weight: &str, from, to| {
            convert_weight(
                d(weight),
                WeightUnit::parse(from).unwrap(),
                WeightUnit::parse(to).unwrap(),
            )
            .unwrap()
        };
        assert_eq!(convert("1", "troy_ounce", "gram"), d("31.1034768"));
        assert_eq!(convert("1", "tola", "gram"), d("11.6638038"));
        // A kilogram has 32.1507466 troy ounces, three eighths of which are a tola.
        assert_eq!(convert("1", "kilogram", "troy_ounce").round_dp(7), d("32.1507466"));
        assert_eq!(convert("8", "tola", "troy_ounce"), d("3"));
        assert_eq!(convert("2.5", "gram", "gram"), d("2.5"));
        assert!(WeightUnit::parse("ounce").is_err());
    }

    #[test]
    fn marks_tell_the_share_of_fine_metal() {
        for (mark, share) in [
            ("24K", "1"),
            ("18 kt", "0.75"),
            ("916", "0.916"),
            ("999.9", "0.9999"),
            ("0.585", "0.585"),
            ("1", "1"),
            ("3/4", "0.75"),
        ] {
            assert_eq!(purity(mark).unwrap(), d(share), "{mark}");
        }
        assert_eq!(purity("22k").unwrap(), d("22") / d("24"));
        for mark in ["", "K", "25K", "0", "-22K", "1001", "22/0", "3/2", "gold", "NaN"] {
            assert!(purity(mark).is_err(), "{mark}");
        }
    }
}
