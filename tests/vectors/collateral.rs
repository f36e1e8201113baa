//! Loans against gold: values, ratios, first breaches, trigger prices, tiers and a whole book.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use loan_engine::domain::collateral::{
    Levels, LtvTier, WeightUnit, convert_weight, crossing_price, haircut_value, loan_to_value,
    purity, shortfall, tiered_ltv,
};
use loan_engine::domain::decimal::{round, to_f64};
use loan_engine::domain::rounding::RoundingMode;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{Outcome, Outcomes, Reader};

pub const READERS: &[Reader] = &[Reader {
    reads: |name| {
        name.strip_prefix("risk/")
            .is_some_and(|file| file.ends_with("collateral_ltv_margin_call.json"))
    },
    run,
}];

/// Relative agreement of closed forms in double precision.
const TOLERANCE: f64 = 1e-12;

/// Quotes of a troy ounce of fine gold, by day.
type Quotes = BTreeMap<String, Decimal>;

/// Why a case was not reproduced.
type Difference = String;

fn run(file: &Value, path: &Path) -> Outcomes {
    let Some(cases) = file["cases"].as_array() else {
        return vec![("cases".into(), Outcome::Failed("the file has no cases".into()))];
    };
    let data = data_beside(path);
    // The loan of the first case is that of those after it.
    let loan = cases.iter().find_map(|case| case["params"].get("qty_g").map(|_| &case["params"]));
    cases
        .iter()
        .map(|case| {
            let id = case["id"].as_str().unwrap_or("?");
            (id.to_owned(), decide(id, case, loan, data.as_deref()))
        })
        .collect()
}

/// The folder `data` beside the folder of vectors.
fn data_beside(path: &Path) -> Option<PathBuf> {
    path.ancestors().nth(3).map(|folder| folder.join("data")).filter(|folder| folder.is_dir())
}

fn decide(id: &str, case: &Value, loan: Option<&Value>, data: Option<&Path>) -> Outcome {
    let expected = &case["expected"];
    let outcome = if id.starts_with("rbi_gold_loan_tiers") {
        tiers(expected)
    } else {
        let Some(quotes) = data.and_then(|folder| gold(folder).ok()) else {
            return Outcome::Skipped("the quotes of gold are not there".into());
        };
        let read = |params: Option<&Value>| Pledge::read(params.ok_or("no case tells the loan")?);
        if id.starts_with("gold_first_breach") {
            let after = id.rsplit('_').next().unwrap_or_default();
            read(loan).and_then(|pledge| first_breaches(&pledge, after, expected, &quotes))
        } else if id.starts_with("trigger_prices") {
            read(loan).and_then(|pledge| trigger_prices(&pledge, expected))
        } else if id.starts_with("berka_book") {
            let loans = data.map(|folder| folder.join("berka/loan.asc"));
            let Some(text) = loans.and_then(|file| std::fs::read_to_string(file).ok()) else {
                return Outcome::Skipped("the loans of the bank are not there".into());
            };
            let day = id.rsplit('_').next().unwrap_or_default();
            book(&text, day, expected, &quotes)
        } else {
            read(Some(&case["params"])).and_then(|pledge| course(&pledge, expected, &quotes))
        }
    };
    outcome.map_or_else(Outcome::Failed, |()| Outcome::Passed)
}

fn gold(data: &Path) -> Result<Quotes, Difference> {
    let file = data.join("metals/gold_silver_usd_daily.csv");
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    Ok(text
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split(',');
            let day = fields.next()?;
            Some((day.to_owned(), Decimal::from_str(fields.next()?).ok()?))
        })
        .collect())
}

/// The last quote on or before a day.
fn quote<'a>(quotes: &'a Quotes, day: &str) -> Result<(&'a str, Decimal), Difference> {
    quotes
        .range(..=day.to_owned())
        .next_back()
        .map(|(day, price)| (day.as_str(), *price))
        .ok_or_else(|| format!("no quote until {day}"))
}

fn decimal(value: &Value) -> Result<Decimal, Difference> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Decimal::from_str(&text).map_err(|error| format!("{text}: {error}"))
}

/// A loan and the gold pledged for it.
struct Pledge {
    ounces: Decimal,
    purity: Decimal,
    debt: Decimal,
    haircut: Decimal,
}

impl Pledge {
    fn read(params: &Value) -> Result<Self, Difference> {
        let grams = decimal(&params["qty_g"])?;
        let mark = params["purity"].as_str().ok_or("the purity is missing")?;
        Ok(Self {
            ounces: convert_weight(grams, WeightUnit::Gram, WeightUnit::TroyOunce)
                .map_err(|error| error.to_string())?,
            purity: purity(mark).map_err(|error| error.to_string())?,
            debt: decimal(&params["loan"])?,
            haircut: decimal(&params["haircut"])?,
        })
    }

    fn value(&self, price: Decimal) -> Result<Decimal, Difference> {
        haircut_value(self.ounces, self.purity, price, Decimal::ONE, self.haircut)
            .map_err(|error| error.to_string())
    }
}

fn same<T: PartialEq + std::fmt::Display>(
    what: &str,
    ours: T,
    theirs: T,
) -> Result<(), Difference> {
    if ours == theirs { Ok(()) } else { Err(format!("{what}: {ours}, expected {theirs}")) }
}

fn cents(value: Decimal) -> Decimal {
    round(value, 2, RoundingMode::HalfUp)
}

/// Values and ratios on days, by the last quote on or before each.
fn course(pledge: &Pledge, expected: &Value, quotes: &Quotes) -> Result<(), Difference> {
    for (day, expected) in expected.as_object().ok_or("no days")? {
        let (quoted_on, price) = quote(quotes, day)?;
        same("quote date", quoted_on, expected["quote_date"].as_str().unwrap_or("?"))?;
        same("price", price, decimal(&expected["price"])?)?;
        let value = pledge.value(price)?;
        same("value", cents(value), decimal(&expected["value"])?)?;
        let ratio = loan_to_value(pledge.debt, value)
            .map_err(|error| error.to_string())?
            .ok_or("there is no ratio")?;
        same("ratio", round(ratio, 6, RoundingMode::HalfUp), decimal(&expected["ltv"])?)?;
    }
    Ok(())
}

/// The first day from one on that each level is entered on.
fn first_breaches(
    pledge: &Pledge,
    from: &str,
    expected: &Value,
    quotes: &Quotes,
) -> Result<(), Difference> {
    for (level, expected) in expected.as_object().ok_or("no levels")? {
        let level = Decimal::from_str(level).map_err(|error| error.to_string())?;
        let levels = Levels::new(&[level], Decimal::ZERO).map_err(|error| error.to_string())?;
        let mut first = None;
        for (day, price) in quotes.range(from.to_owned()..) {
            let next = levels.next(0, pledge.debt, pledge.value(*price)?);
            if next.map_err(|error| error.to_string())? == 1 {
                first = Some(day.as_str());
                break;
            }
        }
        same("first day", first.unwrap_or("never"), expected.as_str().unwrap_or("?"))?;
    }
    Ok(())
}

fn trigger_prices(pledge: &Pledge, expected: &Value) -> Result<(), Difference> {
    for (level, expected) in expected.as_object().ok_or("no levels")? {
        let level = Decimal::from_str(level).map_err(|error| error.to_string())?;
        let price =
            crossing_price(pledge.debt, level, pledge.ounces * pledge.purity, Decimal::ZERO)
                .map_err(|error| error.to_string())?
                .ok_or("there is no price")?;
        same("price", round(price, 4, RoundingMode::HalfUp), decimal(expected)?)?;
        // At that price nothing is missing.
        let (money, _) = shortfall(pledge.debt, pledge.value(price)?, level)
            .map_err(|error| error.to_string())?;
        same("shortfall", cents(money), cents(Decimal::ZERO))?;
    }
    Ok(())
}

/// The tiers of the Reserve Bank of India for loans against gold.
fn tiers(expected: &Value) -> Result<(), Difference> {
    let tier = |up_to: Option<i64>, percent| LtvTier {
        up_to: up_to.map(Decimal::from),
        ltv: Decimal::new(percent, 2),
    };
    let tiers = [tier(Some(250_000), 85), tier(Some(500_000), 80), tier(None, 75)];
    for (amount, expected) in expected.as_object().ok_or("no amounts")? {
        let amount = Decimal::from_str(amount).map_err(|error| error.to_string())?;
        let found = tiered_ltv(amount, &tiers).map_err(|error| error.to_string())?;
        same("highest ratio", found, decimal(expected)?.normalize())?;
    }
    Ok(())
}

/// A book of loans each of which had as much gold at first as made the ratio 70 %.
fn book(loans: &str, day: &str, expected: &Value, quotes: &Quotes) -> Result<(), Difference> {
    let (_, price) = quote(quotes, day)?;
    let first = Decimal::new(7, 1);
    let (mut ratios, mut debts, mut worth) = (Vec::new(), Vec::new(), Decimal::ZERO);
    for line in loans.lines().skip(1) {
        let fields: Vec<&str> = line.split(';').collect();
        let [_, _, date, amount, ..] = fields[..] else { return Err(format!("line {line}")) };
        let date = format!("19{}-{}-{}", &date[..2], &date[2..4], &date[4..6]);
        let debt = Decimal::from_str(amount).map_err(|error| error.to_string())?;
        let ounces = debt / first / quote(quotes, &date)?.1;
        let value = haircut_value(ounces, Decimal::ONE, price, Decimal::ONE, Decimal::ZERO)
            .map_err(|error| error.to_string())?;
        let ratio = loan_to_value(debt, value).map_err(|error| error.to_string())?;
        ratios.push(ratio.ok_or("there is no ratio")?);
        debts.push(debt);
        worth += value;
    }
    let from = |percent| Decimal::new(percent, 2);
    let at_least = |level: Decimal| ratios.iter().filter(|ratio| **ratio >= level).count();
    let exposed: Decimal = ratios
        .iter()
        .zip(&debts)
        .filter(|(ratio, _)| **ratio >= from(100))
        .map(|(_, debt)| debt)
        .sum();
    let total: Decimal = debts.iter().sum();
    same("price", price, decimal(&expected["price"])?)?;
    same("at 0.90", at_least(from(90)) as u64, expected["n_ge_0.90"].as_u64().unwrap_or(0))?;
    same("at 1.00", at_least(from(100)) as u64, expected["n_ge_1.00"].as_u64().unwrap_or(0))?;
    same("exposure", exposed, decimal(&expected["exposure_ge_1.00"])?)?;
    for (name, ours) in [
        ("mean_ltv", ratios.iter().sum::<Decimal>() / Decimal::from(ratios.len())),
        ("max_ltv", ratios.iter().copied().max().unwrap_or_default()),
        // By value: all that is owed over all that is pledged.
        ("weighted_ltv", total / worth),
    ] {
        let theirs = expected[name].as_f64().ok_or("a figure is missing")?;
        if (to_f64(ours) / theirs - 1.0).abs() > TOLERANCE {
            return Err(format!("{name}: {ours}, expected {theirs}"));
        }
    }
    Ok(())
}
