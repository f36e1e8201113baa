//! The tail of returns and its backtests, on prices beside the folder.

use loan_engine::domain::market::backtest::{Exceptions, LikelihoodRatio};
use loan_engine::domain::market::tail::{
    Confidence, Moments, QuantileType, StudentFit, TailRule, expected_shortfall, overlapping_sums,
    quantile, value_at_risk,
};
use loan_engine::domain::market::{
    EwmaVariance, MarketError, Shape, Spread, normal_quantile, simple_return,
};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::Reader;
use crate::market::{CLOSED, Figures, Series, Unread, number, run, whole};

pub const READERS: &[Reader] = &[
    Reader {
        reads: |name| name == "risk/03_historical_var_es.json",
        run: |file, path| run(file, path, historical),
    },
    Reader {
        reads: |name| name == "risk/04_parametric_cornish_fisher_var_es.json",
        run: |file, path| run(file, path, parametric),
    },
    Reader {
        reads: |name| name == "risk/07_var_backtests.json",
        run: |file, path| run(file, path, backtests),
    },
];

/// Relative agreement where a quantile of the normal distribution enters.
const NORMAL: f64 = 1e-10;
/// Relative agreement of fitted parameters, and of a fit's likelihood.
const FITTED: f64 = 1e-4;
const LIKELIHOOD: f64 = 1e-8;

fn why(error: MarketError) -> Unread {
    error.to_string()
}

/// The number of a case as it is written, exactly.
fn exact(params: &Value, name: &str) -> Result<Decimal, Unread> {
    params[name].to_string().parse().map_err(|error| format!("{name}: {error}"))
}

fn confidence(params: &Value) -> Result<Confidence, Unread> {
    Confidence::new(exact(params, "confidence")?).map_err(why)
}

/// The returns of a case: the last so many, all of them without a number.
fn returns(series: &Series, params: &Value) -> Result<Vec<f64>, Unread> {
    let all = if params["returns"] == "simple" {
        series.returns(simple_return).map_err(why)?
    } else {
        series.logs()?
    };
    let count = params["window"].as_u64().map_or(all.len(), |count| count as usize);
    Ok(all[all.len() - count..].to_vec())
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The mean of returns below a border that need not be a quantile of them.
fn mean_where(values: &[f64], holds: impl Fn(f64) -> bool) -> f64 {
    let tail: Vec<f64> = values.iter().copied().filter(|value| holds(*value)).collect();
    tail.iter().sum::<f64>() / tail.len() as f64
}

fn historical(what: &str, series: &Series, params: &Value) -> Result<Option<Figures>, Unread> {
    let all = sorted(returns(series, params)?);
    let (cont, disc) = (QuantileType::INTERPOLATED, QuantileType::DISCRETE);
    let confidence = confidence(params)?;
    let risk = |of: &[f64], kind| value_at_risk(of, confidence, kind).map_err(why);
    let shortfall = |of: &[f64], rule, kind| {
        let found = expected_shortfall(of, confidence, rule, kind).map_err(why)?;
        found.ok_or_else(|| "there is no tail".to_owned())
    };
    let given = |answer: Option<f64>| answer.ok_or_else(|| "there is no answer".to_owned());
    let mut figures = Figures::new();
    if what.ends_with("all9types") {
        for number in 1..=9 {
            let kind = QuantileType::new(number).map_err(why)?;
            let value = given(quantile(&all, exact(params, "p")?, kind).map_err(why)?)?;
            figures = figures.with(&format!("type{number}"), -value, CLOSED);
        }
    } else if what.ends_with("float_hazard") {
        // What 1 - 0.95 in doubles comes to, and what an exact confidence does.
        let share = 1.0 - number(params, "confidence")?;
        let inexact = Decimal::from_f64_retain(share).ok_or("no share")?;
        let moved = quantile(&all, inexact, disc).map_err(why)?;
        figures = figures
            .with("type1_p_exact", given(risk(&all, disc)?)?, CLOSED)
            .with("type1_p_1_minus_cl", -given(moved)?, CLOSED)
            .with("p_1_minus_cl", share, CLOSED);
    } else if what.contains("overlapping") {
        let logs = series.logs()?;
        let sums = overlapping_sums(&logs, whole(params, "horizon")?);
        let count = if what.contains("last_1000") { 1000 } else { sums.len() };
        let sums = sorted(sums[sums.len() - count..].to_vec());
        figures = figures
            .with("n_obs", sums.len() as f64, 0.0)
            .with("var_type7", given(risk(&sums, cont)?)?, CLOSED)
            .with("es_strict_type7", shortfall(&sums, TailRule::Below, cont)?, CLOSED);
    } else if what.ends_with("libs") {
        figures = as_libraries(&all, confidence, params)?;
    } else {
        let var = given(risk(&all, cont)?)?;
        figures = figures
            .with("var_type7", var, CLOSED)
            .with("var_type1", given(risk(&all, disc)?)?, CLOSED)
            .with("es_strict_type7", shortfall(&all, TailRule::Below, cont)?, CLOSED)
            .with("es_le_type1", shortfall(&all, TailRule::UpTo, disc)?, CLOSED)
            .with("es_strict_type1", shortfall(&all, TailRule::Below, disc)?, CLOSED)
            .with("es_rockafellar_uryasev", shortfall(&all, TailRule::Share, cont)?, CLOSED)
            .with("var_type7_10d_sqrt", var * 10f64.sqrt(), CLOSED);
    }
    Ok(Some(figures))
}

/// What libraries call value at risk and expected shortfall, by the definition of each.
fn as_libraries(all: &[f64], confidence: Confidence, params: &Value) -> Result<Figures, Unread> {
    let given = |answer: Option<f64>| answer.ok_or_else(|| "there is no answer".to_owned());
    let risk = |kind| given(value_at_risk(all, confidence, kind).map_err(why)?);
    let moments = given_moments(all)?;
    let sample = Moments { deviation: sample_deviation(all)?, ..moments };
    // QuantLib takes 1 - 0.95 in doubles, a little more than a twentieth.
    let inexact = Decimal::from_f64_retain(1.0 - number(params, "confidence")?).ok_or("share")?;
    let quantlib = given(quantile(all, inexact, QuantileType::DISCRETE).map_err(why)?)?;
    let shortfall = expected_shortfall(all, confidence, TailRule::Share, QuantileType::DISCRETE);
    Ok(Figures::new()
        .with("empyrical_value_at_risk", -risk(QuantileType::INTERPOLATED)?, CLOSED)
        .with(
            "empyrical_conditional_value_at_risk",
            -given(shortfall.clone().map_err(why)?)?,
            CLOSED,
        )
        .with("quantlib_valueAtRisk", -quantlib, CLOSED)
        .with("quantlib_expectedShortfall", -mean_where(all, |value| value < quantlib), CLOSED)
        .with("riskfolio_VaR_Hist", risk(QuantileType::DISCRETE)?, CLOSED)
        .with("riskfolio_CVaR_Hist", given(shortfall.map_err(why)?)?, CLOSED)
        .with(
            "quantstats_value_at_risk",
            -sample.normal_value_at_risk(confidence).map_err(why)?,
            NORMAL,
        )
        .with(
            "quantstats_cvar",
            -sample.normal_expected_shortfall(confidence).map_err(why)?,
            NORMAL,
        ))
}

fn given_moments(values: &[f64]) -> Result<Moments, Unread> {
    Moments::of(values).map_err(why)?.ok_or_else(|| "there are no returns".into())
}

fn sample_deviation(values: &[f64]) -> Result<f64, Unread> {
    let mut spread = Spread::default();
    values.iter().try_for_each(|value| spread.push(*value)).map_err(why)?;
    spread.deviation(1).map_err(why)?.ok_or_else(|| "there is no deviation".into())
}

fn parametric(what: &str, series: &Series, params: &Value) -> Result<Option<Figures>, Unread> {
    if what.starts_with("student_t_moment") {
        let logs = series.logs()?;
        let last = &logs[logs.len() - 1000..];
        let fit =
            StudentFit::with_moments(&given_moments(last)?, last.len()).ok_or("no fat tail")?;
        let confidence = Confidence::new(Decimal::new(99, 2)).map_err(why)?;
        return Ok(Some(Figures::new().with("nu", fit.freedom, NORMAL).with(
            "var",
            fit.value_at_risk(confidence).map_err(why)?,
            NORMAL,
        )));
    }
    let values = returns(series, params)?;
    let moments = given_moments(&values)?;
    if what.starts_with("quantlib_moments") {
        return quantlib(&values, &moments).map(Some);
    }
    let confidence = confidence(params)?;
    if what.starts_with("student_t_mle") {
        let (fit, likelihood) = StudentFit::to(&values).map_err(why)?;
        let less_likely = move |expected: &Value| {
            let told = |name: &str| expected[name].as_f64();
            let other =
                StudentFit { freedom: told("nu")?, location: told("loc")?, scale: told("scale")? };
            let theirs = other.log_likelihood(&values);
            (theirs < likelihood)
                .then(|| format!("a likelihood of {likelihood} is more than {theirs}"))
        };
        return Ok(Some(
            Figures::new()
                .disproved_by(less_likely)
                .with("nu", fit.freedom, FITTED)
                .with("loc", fit.location, FITTED)
                .with("scale", fit.scale, FITTED)
                .with("loglik", likelihood, LIKELIHOOD)
                .with("var", fit.value_at_risk(confidence).map_err(why)?, FITTED)
                .with("es", fit.expected_shortfall(confidence).map_err(why)?, FITTED),
        ));
    }
    let bent = moments.cornish_fisher(confidence).map_err(why)?;
    let normal = |moments: Moments| moments.normal_value_at_risk(confidence).map_err(why);
    let sample = Moments { deviation: sample_deviation(&values)?, ..moments };
    let z = normal_quantile(confidence.tail_share()).map_err(why)?;
    Ok(Some(
        Figures::new()
            .with("mean", moments.mean, CLOSED)
            .with("sd_pop", moments.deviation, CLOSED)
            .with("skew", moments.skewness, NORMAL)
            .with("exkurt", moments.excess_kurtosis, CLOSED)
            .with("z", z, NORMAL)
            .with("z_cf", bent.quantile, NORMAL)
            .with("var_normal", normal(moments)?, NORMAL)
            .with("es_normal", moments.normal_expected_shortfall(confidence).map_err(why)?, NORMAL)
            .with("var_cf", bent.value_at_risk, NORMAL)
            .with("es_cf_boudt", bent.closed_form, NORMAL)
            .with("es_cf_operational", bent.expected_shortfall, NORMAL)
            .with("var_normal_ddof1", normal(sample)?, NORMAL)
            .with("var_normal_zero_mean", normal(moments.about_zero())?, NORMAL)
            .with("cf_monotone_everywhere", f64::from(u8::from(bent.is_monotone)), 0.0),
    ))
}

/// The moments that QuantLib tells, samples' all of them, and its deviations below the mean and below
/// zero.
fn quantlib(values: &[f64], moments: &Moments) -> Result<Figures, Unread> {
    let mut shape = Shape::default();
    values.iter().try_for_each(|value| shape.push(*value)).map_err(why)?;
    let below = |border: f64| {
        let squares: Vec<f64> = values
            .iter()
            .filter(|value| **value < border)
            .map(|value| (value - border).powi(2))
            .collect();
        (squares.iter().sum::<f64>() / (squares.len() - 1) as f64).sqrt()
    };
    let given = |answer: Result<Option<f64>, MarketError>| {
        answer.map_err(why)?.ok_or_else(|| "there is no answer".to_owned())
    };
    Ok(Figures::new()
        .with("mean", moments.mean, CLOSED)
        .with("sd", sample_deviation(values)?, CLOSED)
        .with("skewness", given(shape.skewness())?, NORMAL)
        .with("kurtosis", given(shape.excess_kurtosis())?, NORMAL)
        .with("semiDeviation", below(moments.mean), CLOSED)
        .with("downsideDeviation", below(0.0), CLOSED))
}

fn backtests(what: &str, series: &Series, params: &Value) -> Result<Option<Figures>, Unread> {
    if what.starts_with("traffic_light") {
        return traffic_light(params).map(Some);
    }
    if params.get("x").is_some() {
        let exceptions = of(params["n"].as_u64(), params["x"].as_u64());
        let found = exceptions.proportion(number(params, "p")?).map_err(why)?.ok_or("no days")?;
        return Ok(Some(
            Figures::new()
                .with("LR", found.statistic, NEAR_ZERO)
                .with("p_value", found.p_value, NORMAL)
                .with("reject_at_95", f64::from(u8::from(found.p_value < 0.05)), 0.0),
        ));
    }
    let tested = tested(what, series)?;
    tested.map(|(told, tail)| figures_of(&told, tail)).transpose()
}

/// A statistic of nothing is nothing, whatever the sign of its zero.
const NEAR_ZERO: f64 = 1e-9;

fn of(days: Option<u64>, exceptions: Option<u64>) -> Exceptions {
    let (days, exceptions) = (days.unwrap_or_default(), exceptions.unwrap_or_default());
    let mut all = Exceptions::default();
    (0..days).for_each(|day| all.note(day < exceptions));
    all
}

fn traffic_light(params: &Value) -> Result<Figures, Unread> {
    let (days, p) = (params["n"].as_u64(), number(params, "p")?);
    let mut figures = Figures::new();
    for count in 0..16_u64 {
        let (these, more) = (of(days, Some(count)), of(days, Some(count + 1)));
        let above = more.at_least(p).map_err(why)?;
        figures = figures
            .with(&format!("cum_prob_x0_to_x15/{count}"), 1.0 - above, CLOSED)
            .with(&format!("type1_P(X>=x)/{count}"), these.at_least(p).map_err(why)?, NORMAL)
            .word(&format!("zone/{count}"), these.zone(p).map_err(why)?.name())
            .with(
                &format!("plus_factor/{count}"),
                these.plus_factor(p).unwrap_or(f64::NAN),
                CLOSED,
            );
    }
    Ok(figures)
}

/// Each of the last thousand days' return and the value at risk told for it, and its tail.
type Told = (Vec<(f64, f64)>, f64);

fn tested(what: &str, series: &Series) -> Result<Option<Told>, Unread> {
    let logs = series.logs()?;
    let days = logs.len() - 1000..logs.len();
    let tail: Decimal =
        if what.contains("0.95") { Decimal::new(95, 2) } else { Decimal::new(99, 2) };
    let confidence = Confidence::new(tail).map_err(why)?;
    let z = -normal_quantile(confidence.tail_share()).map_err(why)?;
    let mut told = Vec::new();
    if what.starts_with("ewma94") {
        let mut state = EwmaVariance::new(0.94, None).map_err(why)?;
        for (day, value) in logs.iter().enumerate() {
            if days.contains(&day) {
                let variance = state.variance().ok_or("no variance yet")?;
                told.push((*value, z * variance.sqrt()));
            }
            state.push(*value).map_err(why)?;
        }
    } else {
        for day in days {
            let before = &logs[day - 250..day];
            let risk = if what.contains("normal250") {
                z * given_moments(before)?.about_zero().deviation
            } else {
                let found =
                    value_at_risk(&sorted(before.to_vec()), confidence, QuantileType::INTERPOLATED);
                found.map_err(why)?.ok_or("there is no answer")?
            };
            told.push((logs[day], risk));
        }
    }
    Ok(Some((told, confidence.tail_share())))
}

fn figures_of(told: &[(f64, f64)], tail: f64) -> Result<Figures, Unread> {
    let count = |told: &[(f64, f64)]| {
        let mut all = Exceptions::default();
        told.iter().for_each(|(value, risk)| all.push(*value, *risk));
        all
    };
    let all = count(told);
    let given = |test: Option<LikelihoodRatio>| test.ok_or_else(|| "there is no test".to_owned());
    let often = given(all.proportion(tail).map_err(why)?)?;
    let apart = given(all.independence())?;
    let both = given(all.conditional_coverage(tail).map_err(why)?)?;
    let first = given(all.time_until_first(tail).map_err(why)?)?;
    let exceptions = all.exceptions as f64;
    let mut figures = Figures::new()
        .with("n", all.days as f64, 0.0)
        .with("exceptions", exceptions, 0.0)
        .with("violations", exceptions, 0.0)
        .with("expected violations", all.days as f64 * tail, CLOSED)
        .with("LR_pof", often.statistic, NORMAL)
        .with("statistic", often.statistic, NORMAL)
        .with("critical value", normal_quantile(0.975).map_err(why)?.powi(2), NORMAL)
        .with("p_pof", often.p_value, NORMAL)
        .with("p-value", often.p_value, NORMAL)
        .with("LR_ind", apart.statistic, NORMAL)
        .with("p_ind", apart.p_value, NORMAL)
        .with("LR_cc", both.statistic, NORMAL)
        .with("p_cc", both.p_value, NORMAL)
        .with("LR_tuff", first.statistic, NORMAL)
        .with("p_tuff", first.p_value, NORMAL)
        .with("exceptions_last250", count(&told[told.len() - 250..]).exceptions as f64, 0.0)
        .with("first_exception_day", all.first.map_or(f64::NAN, |day| day as f64), 0.0)
        .with("var_last", told.last().map_or(f64::NAN, |day| day.1), NORMAL)
        .with("binomial_upper_tail", all.at_least(tail).map_err(why)?, NORMAL);
    for (at, count) in all.followed.iter().flatten().enumerate() {
        figures = figures.with(&format!("transitions_n00_n01_n10_n11/{at}"), *count as f64, 0.0);
    }
    Ok(figures)
}
