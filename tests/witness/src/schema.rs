//! JSON against docs/json-schema.json, as far as that file uses the language of JSON Schema.

use serde_json::Value;

/// The description and what is checked by it.
#[derive(Debug, Clone)]
pub struct Schema(Value);

impl Schema {
    /// The one in docs/.
    #[must_use]
    pub fn ours() -> Self {
        let text = include_str!("../../../docs/json-schema.json");
        Self(serde_json::from_str(text).unwrap_or_default())
    }

    /// Checks a report.
    ///
    /// # Errors
    ///
    /// Where it does not fit, and how.
    pub fn check(&self, report: &Value) -> Result<(), String> {
        // A line of --watch is no report.
        let name = report["report"].as_str().unwrap_or("event");
        let rule = self.0["$defs"].get(name);
        let rule = rule.ok_or_else(|| format!("there is no report {name:?}"))?;
        self.fits(rule, report, "")
    }

    fn fits(&self, rule: &Value, value: &Value, at: &str) -> Result<(), String> {
        if let Some(name) = rule["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap_or_default();
            return self.fits(&self.0["$defs"][name], value, at);
        }
        if let Some(rules) = rule["oneOf"].as_array() {
            let fitting = rules
                .iter()
                .filter(|rule| self.fits(rule, value, at).is_ok());
            return match fitting.count() {
                1 => Ok(()),
                count => Err(format!("{at}: {value} fits to {count} of the alternatives")),
            };
        }
        if let Some(rules) = rule["anyOf"].as_array() {
            let fits = rules.iter().any(|rule| self.fits(rule, value, at).is_ok());
            let wrong = || format!("{at}: {value} fits to none of the alternatives");
            return if fits { Ok(()) } else { Err(wrong()) };
        }
        let wrong = |what: &str| Err(format!("{at}: {value} {what} {rule}"));
        if rule.get("const").is_some_and(|only| only != value) {
            return wrong("is not");
        }
        if rule["enum"]
            .as_array()
            .is_some_and(|all| !all.contains(value))
        {
            return wrong("is none of");
        }
        if rule
            .get("type")
            .is_some_and(|types| !has_type(types, value))
        {
            return wrong("has not the type of");
        }
        let (least, most) = (rule["minimum"].as_i64(), rule["maximum"].as_i64());
        if let Some(number) = value.as_i64() {
            if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
                return wrong("is outside");
            }
        }
        if let (Some(items), Some(values)) = (rule.get("items"), value.as_array()) {
            for (index, value) in values.iter().enumerate() {
                self.fits(items, value, &format!("{at}[{index}]"))?;
            }
        }
        value
            .as_object()
            .map_or(Ok(()), |fields| self.fields_fit(rule, fields, at))
    }

    fn fields_fit(
        &self,
        rule: &Value,
        fields: &serde_json::Map<String, Value>,
        at: &str,
    ) -> Result<(), String> {
        let required = rule["required"].as_array().into_iter().flatten();
        for name in required.filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                return Err(format!("{at}: {name} is missing"));
            }
        }
        for (name, value) in fields {
            let at = format!("{at}.{name}");
            let others = &rule["additionalProperties"];
            let rule = rule["properties"].get(name).unwrap_or(others);
            if rule == &Value::Bool(false) {
                return Err(format!("{at} is not described"));
            }
            self.fits(rule, value, &at)?;
        }
        Ok(())
    }
}

fn has_type(types: &Value, value: &Value) -> bool {
    let own = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let many = types.as_array().into_iter().flatten();
    types == own || many.into_iter().any(|name| name == own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_does_not_fit_is_named_with_its_place() {
        let report = |run: Value| {
            json!({"schema": 1, "report": "qdevice-heuristics", "version": "x", "at_ms": 1,
                   "run": run, "ended_at_ms": null, "result": "pass", "commands": []})
        };
        let schema = Schema::ours();
        assert_eq!(schema.check(&report(json!(3))), Ok(()));
        assert_eq!(schema.check(&report(Value::Null)), Ok(()));
        assert!(
            schema
                .check(&report(json!("3")))
                .unwrap_err()
                .starts_with(".run: ")
        );
        assert!(
            schema
                .check(&report(json!(-1)))
                .unwrap_err()
                .starts_with(".run: ")
        );
        let mut wrong = report(json!(3));
        wrong["result"] = json!("good");
        assert!(schema.check(&wrong).unwrap_err().starts_with(".result: "));
        wrong["result"] = json!("pass");
        wrong["more"] = json!(1);
        assert_eq!(
            schema.check(&wrong),
            Err(".more is not described".to_owned())
        );
        assert!(schema.check(&json!({"report": "weather"})).is_err());
    }
}
