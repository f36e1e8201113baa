//! Price analytics: returns, averages, volatility and models of it, on prices beside the folder.

use std::path::Path;

use loan_engine::domain::market::garch::{self, Distribution, Fit, Garch};
use loan_engine::domain::market::{
    AgeWeighted, Drawdown, EwmaVariance, ExponentialAverage, MarketError, Segment, Shape, Spread,
    WeightedAverage, log_return, sample_volatility, simple_return, zero_mean_volatility,
};
use serde_json::Value;

use crate::{Outcome, Outcomes, Reader};

pub const READERS: &[Reader] = &[
    Reader {
        reads: |name| name == "risk/01_returns_moving_averages.json",
        run: |file, path| run(file, path, returns_and_averages),
    },
    Reader {
        reads: |name| name == "risk/02_volatility_ewma_garch.json",
        run: |file, path| run(file, path, volatility),
    },
];

/// Relative agreement asked of closed forms and of recursions with given parameters.
pub const CLOSED: f64 = 1e-12;
/// Relative agreement of a figure with what whole numbers prove: the roundings of a root and a
/// quotient.
const EXACT: f64 = 4.0 * f64::EPSILON;
/// Relative agreement asked of a fitted model's likelihood, and of what follows from it alone.
const LIKELIHOOD: f64 = 1e-6;
/// Relative agreement asked of fitted parameters, and of forecasts made with them.
const FITTED: f64 = 1e-3;
/// The first day of the prices the cases use, whatever they are.
const FROM: &str = "2010-01-01";

/// Why a case cannot be computed.
pub type Unread = String;

/// A metal's prices from the first day on, oldest first.
pub struct Series {
    pub prices: Vec<f64>,
}

impl Series {
    pub fn returns(
        &self,
        of: fn(f64, f64) -> Result<f64, MarketError>,
    ) -> Result<Vec<f64>, MarketError> {
        self.prices.windows(2).map(|pair| of(pair[0], pair[1])).collect()
    }

    pub fn logs(&self) -> Result<Vec<f64>, Unread> {
        self.returns(log_return).map_err(|error| error.to_string())
    }

    /// The last so many prices.
    fn last(&self, count: usize) -> &[f64] {
        &self.prices[self.prices.len() - count..]
    }
}

/// Tells why what is published is not so.
type Disproof = Box<dyn Fn(&Value) -> Option<String>>;

/// What a case comes to, figure by figure, beside how near it must be; and, where whole numbers can
/// prove it, what it comes to without any rounding.
pub struct Figures {
    figures: Vec<(String, f64, f64)>,
    words: Vec<(String, String)>,
    proved: Option<f64>,
    disproof: Option<Disproof>,
}

impl Figures {
    pub fn new() -> Self {
        Self { figures: Vec::new(), words: Vec::new(), proved: None, disproof: None }
    }

    fn one(value: f64) -> Self {
        Self::new().with("", value, CLOSED)
    }

    pub fn with(mut self, name: &str, value: f64, tolerance: f64) -> Self {
        self.figures.push((name.into(), value, tolerance));
        self
    }

    fn list(values: impl IntoIterator<Item = f64>) -> Self {
        let named = values.into_iter().enumerate();
        named.fold(Self::new(), |all, (at, value)| all.with(&at.to_string(), value, CLOSED))
    }

    /// What may show that published figures are not so.
    pub fn disproved_by(self, disproof: impl Fn(&Value) -> Option<String> + 'static) -> Self {
        Self { disproof: Some(Box::new(disproof)), ..self }
    }

    /// A word in place of a number.
    pub fn word(mut self, name: &str, word: &str) -> Self {
        self.words.push((name.into(), word.into()));
        self
    }

    /// Whether a published figure is disproved: ours is the exact one, and it is not.
    fn disproves(&self, published: f64) -> Option<String> {
        let (proved, (_, ours, tolerance)) = (self.proved?, self.figures.first()?);
        let near = |value: f64, by: f64| (value - proved).abs() <= by * proved.abs();
        (near(*ours, EXACT) && !near(published, *tolerance)).then(|| {
            format!(
                "in whole numbers, without rounding, it is {proved}, and {published} is published"
            )
        })
    }
}

/// The standard deviation of prices, from sums of whole thousandths; None for prices with more
/// decimals.
fn deviation_in_whole_numbers(prices: &[f64], less: u64) -> Option<f64> {
    let (mut sum, mut squares) = (0_i128, 0_i128);
    for price in prices {
        let thousandths = (price * 1000.0).round();
        if thousandths / 1000.0 != *price {
            return None;
        }
        sum += thousandths as i128;
        squares += (thousandths as i128).pow(2);
    }
    let count = prices.len() as i128;
    let divisor = count * (count - i128::from(less));
    Some(((count * squares - sum * sum) as f64 / divisor as f64).sqrt() / 1000.0)
}

/// The prices that a file names: a column of a table of dates, beside the folder of the vectors.
fn series(file: &Value, path: &Path, metal: &str) -> Result<Series, Unread> {
    let name = file["inputs"][0]["file"].as_str().ok_or("the file names no input")?;
    let data = path.ancestors().nth(3).unwrap_or(path).join("data").join(name);
    let text =
        std::fs::read_to_string(&data).map_err(|error| format!("{}: {error}", data.display()))?;
    let column = match metal {
        "gold" => 1,
        "silver" => 2,
        _ => return Err(format!("no column holds {metal}")),
    };
    let mut prices = Vec::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        if fields.first().is_some_and(|date| *date >= FROM) {
            let field = fields.get(column).ok_or("a line is too short")?;
            prices.push(field.parse().map_err(|error| format!("{field}: {error}"))?);
        }
    }
    Ok(Series { prices })
}

pub type Compute = fn(&str, &Series, &Value) -> Result<Option<Figures>, Unread>;

pub fn run(file: &Value, path: &Path, compute: Compute) -> Outcomes {
    let Some(cases) = file["cases"].as_array() else {
        return vec![("cases".into(), Outcome::Failed("the file has no cases".into()))];
    };
    cases
        .iter()
        .map(|case| {
            let id = case["id"].as_str().unwrap_or("?");
            let (metal, what) = match id.split_once('_') {
                Some((metal @ ("gold" | "silver"), what)) => (metal, what),
                _ => ("gold", id),
            };
            let outcome = match series(file, path, metal) {
                Err(why) => Outcome::Skipped(why),
                Ok(series) => match compute(what, &series, &case["params"]) {
                    Ok(Some(figures)) => judge(&figures, &case["expected"]),
                    Ok(None) => Outcome::Failed("nothing here computes this".into()),
                    Err(why) => Outcome::Failed(why),
                },
            };
            (id.to_owned(), outcome)
        })
        .collect()
}

/// Flattens what is expected into figures with names, as `params/mu` or `0`.
fn flatten(name: &str, value: &Value, into: &mut Vec<(String, f64)>) {
    let below = |key: &str| if name.is_empty() { key.into() } else { format!("{name}/{key}") };
    match value {
        Value::Number(number) => into.push((name.into(), number.as_f64().unwrap_or(f64::NAN))),
        Value::Array(list) => {
            (0..).zip(list).for_each(|(at, v)| flatten(&below(&format!("{at}")), v, into));
        }
        Value::Object(map) => map.iter().for_each(|(key, v)| flatten(&below(key), v, into)),
        Value::Bool(holds) => into.push((name.into(), f64::from(u8::from(*holds)))),
        _ => into.push((name.into(), f64::NAN)),
    }
}

/// Every figure that is expected must be there and be near enough.
fn judge(figures: &Figures, expected: &Value) -> Outcome {
    let mut wanted = Vec::new();
    flatten("", expected, &mut wanted);
    let mut complaints = Vec::new();
    for (name, value) in wanted {
        let word = figures.words.iter().find(|(given, _)| *given == name);
        if let Some((_, word)) = word {
            let at = format!("/{name}");
            if expected.pointer(&at).and_then(Value::as_str) != Some(word) {
                complaints.push(format!("{name}: {word}"));
            }
            continue;
        }
        match figures.figures.iter().find(|(given, ..)| *given == name) {
            None => complaints.push(format!("{name}: nothing computes it")),
            Some((_, got, tolerance)) => {
                let apart = (got - value).abs();
                if apart > tolerance * value.abs() || apart.is_nan() {
                    let disproof = figures.disproof.as_ref().and_then(|shows| shows(expected));
                    if let Some(proof) = disproof.or_else(|| figures.disproves(value)) {
                        return Outcome::Skipped(proof);
                    }
                    complaints.push(format!("{name}: {got} in place of {value}"));
                }
            }
        }
    }
    if complaints.is_empty() { Outcome::Passed } else { Outcome::Failed(complaints.join("; ")) }
}

pub fn whole(params: &Value, name: &str) -> Result<usize, Unread> {
    let number = params[name].as_u64().ok_or_else(|| format!("{name} is not given"))?;
    usize::try_from(number).map_err(|error| error.to_string())
}

pub fn number(params: &Value, name: &str) -> Result<f64, Unread> {
    params[name].as_f64().ok_or_else(|| format!("{name} is not given"))
}

fn spread(values: &[f64]) -> Result<Spread, Unread> {
    let mut spread = Spread::default();
    values.iter().try_for_each(|value| spread.push(*value)).map_err(|error| error.to_string())?;
    Ok(spread)
}

/// An answer that must be there.
fn given<T>(answer: Result<Option<T>, MarketError>) -> Result<T, Unread> {
    answer.map_err(|error| error.to_string())?.ok_or_else(|| "there is no answer".into())
}

fn statistics(values: &[f64]) -> Result<Figures, Unread> {
    let sums = spread(values)?;
    let mut shape = Shape::default();
    let mut sum = loan_engine::domain::market::ExactSum::default();
    for value in values {
        shape.push(*value).map_err(|error| error.to_string())?;
        sum.add(*value);
    }
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Ok(Figures::new()
        .with("n", sums.rows() as f64, 0.0)
        .with("mean", given(Ok(sums.mean()))?, CLOSED)
        .with("std_ddof1", given(sums.deviation(1))?, CLOSED)
        .with("std_ddof0", given(sums.deviation(0))?, CLOSED)
        .with("skew_pop(g1)", given(shape.population_skewness())?, CLOSED)
        .with("exkurt_pop(g2)", given(shape.population_excess_kurtosis())?, CLOSED)
        .with("skew_sample(G1)", given(shape.skewness())?, CLOSED)
        .with("exkurt_sample(G2)", given(shape.excess_kurtosis())?, CLOSED)
        .with("min", least, CLOSED)
        .with("max", most, CLOSED)
        .with("sum", sum.value(), CLOSED))
}

fn exponential(values: &[f64], span: f64) -> Result<ExponentialAverage, Unread> {
    let mut average = ExponentialAverage::over(span).map_err(|error| error.to_string())?;
    values.iter().try_for_each(|v| average.push(*v)).map_err(|error| error.to_string())?;
    Ok(average)
}

fn returns_and_averages(
    what: &str,
    series: &Series,
    params: &Value,
) -> Result<Option<Figures>, Unread> {
    let simple = || series.returns(simple_return).map_err(|error| error.to_string());
    let last = |values: Vec<f64>| Figures::list(values[values.len() - 5..].iter().copied());
    Ok(Some(match what {
        "n_prices" => Figures::one(series.prices.len() as f64),
        "first_last_price" => Figures::list([series.prices[0], series.last(1)[0]]),
        "log_return_stats" => statistics(&series.logs()?)?,
        "simple_return_stats" => statistics(&simple()?)?,
        "last5_log_returns" => last(series.logs()?),
        "last5_simple_returns" => last(simple()?),
        "ema_span12_adjustFalse_last" => {
            let average = exponential(&series.prices, number(params, "span")?)?;
            Figures::one(given(Ok(average.average()))?)
        }
        "wma_10_last" => {
            let mut average = WeightedAverage::default();
            for price in series.last(whole(params, "n")?) {
                average.push(*price).map_err(|error| error.to_string())?;
            }
            Figures::one(given(Ok(average.average()))?)
        }
        "rolling_std20_last" => {
            let less = whole(params, "ddof")? as u64;
            let frame = series.last(whole(params, "n")?);
            let figures = Figures::one(given(spread(frame)?.deviation(less))?);
            Figures { proved: deviation_in_whole_numbers(frame, less), ..figures }
        }
        "bollinger20_2_last" => {
            let frame = spread(series.last(whole(params, "n")?))?;
            let deviations = number(params, "k")?;
            Figures::list([given(frame.band(-deviations))?, given(frame.band(deviations))?])
        }
        "max_drawdown" => {
            let mut course: Option<Drawdown> = None;
            for price in &series.prices {
                let one = Drawdown::of(*price, 0).map_err(|error| error.to_string())?;
                course = Some(course.map_or(one, |before| before.join(one)));
            }
            Figures::one(given(Ok(course))?.maximum())
        }
        _ if what.starts_with("sma_") => {
            Figures::one(given(Ok(spread(series.last(whole(params, "n")?))?.mean()))?)
        }
        _ => return Ok(None),
    }))
}

fn volatility(what: &str, series: &Series, params: &Value) -> Result<Option<Figures>, Unread> {
    let logs = series.logs()?;
    let window = || {
        let count = whole(params, "window")?;
        spread(logs.get(logs.len() - count..).ok_or("the window is too long")?)
    };
    Ok(Some(if what.starts_with("hist_vol_ann_zero_mean_") {
        Figures::one(given(zero_mean_volatility(&window()?, 252.0))?)
    } else if what.starts_with("hist_vol_ann_") {
        Figures::one(given(sample_volatility(&window()?, 252.0))?)
    } else if what.starts_with("ewma_") && what.contains("finite") {
        let mut state = AgeWeighted::new(number(params, "lambda")?).map_err(|e| e.to_string())?;
        for (age, value) in (0..).zip(logs.iter().rev().take(whole(params, "window")?)) {
            state.push(*value, age).map_err(|error| error.to_string())?;
        }
        Figures::one(given(state.variance())?.sqrt())
    } else if what.starts_with("ewma_") {
        let decay = number(params, "lambda")?;
        let start = what.contains("arch_backcast").then(|| garch::backcast(&logs, 0.0));
        let mut state = EwmaVariance::new(decay, start).map_err(|error| error.to_string())?;
        logs.iter().try_for_each(|v| state.push(*v)).map_err(|error| error.to_string())?;
        Figures::one(given(Ok(state.variance()))?.sqrt())
    } else if what.starts_with("pandas_ewm_std") {
        let span = 2.0 / number(params, "alpha")? - 1.0;
        Figures::one(given(exponential(&logs, span)?.deviation())?)
    } else {
        let per_cent: Vec<f64> = logs.iter().map(|value| value * 100.0).collect();
        match what {
            "garch_filter_fixed_params" => filter(&per_cent, params)?,
            "garch11_normal" => fitted(&per_cent, false, false)?,
            "garch11_t" => fitted(&per_cent, false, true)?,
            "gjr_garch111_normal" => fitted(&per_cent, true, false)?,
            _ => return Ok(None),
        }
    }))
}

fn filter(per_cent: &[f64], params: &Value) -> Result<Figures, Unread> {
    let model = Garch {
        mu: number(params, "mu")?,
        omega: number(params, "omega")?,
        alpha: number(params, "alpha")?,
        gamma: 0.0,
        beta: number(params, "beta")?,
    };
    let first = given(spread(per_cent)?.variance(0))?;
    let (_, course) = model.filter(per_cent, Some(first)).map_err(|error| error.to_string())?;
    Ok(Figures::new()
        .with("sigma2_last", course.last, CLOSED)
        .with("sigma2_next", course.next, CLOSED)
        .with("loglik", course.log_likelihood, CLOSED))
}

fn fitted(per_cent: &[f64], asymmetric: bool, student: bool) -> Result<Figures, Unread> {
    let fit = garch::fit(per_cent, asymmetric, student).map_err(|error| error.to_string())?;
    let Fit { model, course, .. } = fit;
    // What is published is that of the fitted mean; the likelihood is that of the plain mean's.
    let backcast = garch::backcast(per_cent, model.mu);
    let mut figures = Figures::new()
        .with("params/mu", model.mu, FITTED)
        .with("params/omega", model.omega, FITTED)
        .with("params/alpha[1]", model.alpha, FITTED)
        .with("params/gamma[1]", model.gamma, FITTED)
        .with("params/beta[1]", model.beta, FITTED)
        .with("loglik", course.log_likelihood, LIKELIHOOD)
        .with("aic", fit.aic(), LIKELIHOOD)
        .with("bic", fit.bic(), LIKELIHOOD)
        .with("last_cond_vol_pct", course.last.sqrt(), FITTED)
        .with("persistence", model.persistence(), FITTED)
        .with("backcast", backcast, FITTED)
        .with("convergence_flag", f64::from(u8::from(!fit.converged)), 0.0);
    if let Distribution::StudentT(nu) = fit.distribution {
        figures = figures.with("params/nu", nu, FITTED);
    }
    if let Some(variance) = model.unconditional_variance() {
        figures = figures.with("uncond_vol_pct", variance.sqrt(), FITTED);
    }
    for days in 1..=10 {
        let name = format!("forecast_var_h1_h10/{}", days - 1);
        let ahead = garch::forecast(course.next, model.omega, model.persistence(), days);
        figures = figures.with(&name, ahead.map_err(|error| error.to_string())?, FITTED);
    }
    Ok(figures)
}
