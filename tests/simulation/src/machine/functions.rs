//! The functions that an expression may call.

use jsonata_core::evaluator::EvaluatorError;
use jsonata_core::value::JValue;

/// The functions of JSONata 2.0.6, which Step Functions implements (developer guide, "Transforming data with JSONata in Step
/// Functions"), but for those whose value is not decided by their arguments.
const BUILT_IN: [&str; 60] = [
    "abs",
    "append",
    "assert",
    "average",
    "base64decode",
    "base64encode",
    "boolean",
    "ceil",
    "contains",
    "count",
    "decodeUrl",
    "decodeUrlComponent",
    "distinct",
    "each",
    "encodeUrl",
    "encodeUrlComponent",
    "error",
    "exists",
    "filter",
    "floor",
    "formatBase",
    "formatInteger",
    "formatNumber",
    "fromMillis",
    "join",
    "keys",
    "length",
    "lookup",
    "lowercase",
    "map",
    "match",
    "max",
    "merge",
    "min",
    "not",
    "number",
    "pad",
    "parseInteger",
    "power",
    "reduce",
    "replace",
    "reverse",
    "round",
    "sift",
    "single",
    "sort",
    "split",
    "spread",
    "sqrt",
    "string",
    "substring",
    "substringAfter",
    "substringBefore",
    "sum",
    "toMillis",
    "trim",
    "type",
    "uppercase",
    "zip",
    PARSE,
];

/// The only function that Step Functions adds to JSONata and that a definition uses.
pub(crate) const PARSE: &str = "parse";

/// The call that tells the time, as a definition writes it. It is that of the attempt: the interpreter's clock is not the system's.
pub(crate) const NOW_CALL: &str = "$now()";
/// The variable that stands for it.
pub(crate) const NOW: &str = "now";

/// Functions that the service has and the interpreter has not.
const LEFT_OUT: [&str; 7] = ["hash", "millis", "partition", "random", "range", "shuffle", "uuid"];

/// Whether expressions may call `$name`.
pub(crate) fn is_function(name: &str) -> bool {
    BUILT_IN.contains(&name)
}

/// Why `$name` cannot be called.
pub(crate) fn refusal(name: &str) -> String {
    match name {
        "eval" => "Step Functions does not support $eval; $parse reads JSON".to_owned(),
        _ if LEFT_OUT.contains(&name) => format!("the interpreter lacks ${name}"),
        _ => format!("there is no function ${name}"),
    }
}

/// `$parse`: the value of a JSON text.
pub(crate) fn parse(arguments: &[JValue]) -> Result<JValue, EvaluatorError> {
    let failed = |problem: String| EvaluatorError::EvaluationError(format!("$parse: {problem}"));
    let [JValue::String(text)] = arguments else { return Err(failed("expected one text".to_owned())) };
    JValue::from_json_str(text).map_err(|error| failed(error.to_string()))
}
