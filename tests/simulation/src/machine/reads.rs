//! What an expression reads: found in its syntax tree, so that an expression that cannot work is refused before it runs.

use std::collections::BTreeSet;

use jsonata_core::ast::{AstNode, BinaryOp, PathStep, Stage};

use super::functions;

/// The fields of `$states` that exist at a place of a definition, besides `input` and `context`.
///
/// Source: Step Functions developer guide, "Transforming data with JSONata in Step Functions", "Reserved variable: $states".
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Sight {
    /// None.
    Entry,
    /// `result`: where a Task state has succeeded.
    Result,
    /// `errorOutput`: in a catcher.
    ErrorOutput,
}

/// The fields of the context object, by the objects that they are in (developer guide, "Accessing execution data from the Context
/// object in Step Functions"). `Task` and `Map` are of kinds of states that the interpreter does not have.
const CONTEXT: [(&str, &[&str]); 3] = [
    ("Execution", &["Id", "Input", "Name", "RedriveCount", "RoleArn", "StartTime"]),
    ("State", &["EnteredTime", "Name", "RetryCount"]),
    ("StateMachine", &["Id", "Name"]),
];

/// What an expression needs to be evaluated.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Reads {
    /// The variables of the state machine that it names.
    pub(crate) variables: BTreeSet<String>,
    /// The fields of `$states` that it names.
    pub(crate) states: BTreeSet<String>,
    /// Whether it calls `$parse`.
    pub(crate) parses: bool,
    /// Whether it calls `$now`.
    pub(crate) tells_time: bool,
}

impl Reads {
    /// # Errors
    /// Why an expression at a place with `sight` cannot be evaluated as the service would.
    pub(crate) fn of(expression: &AstNode, sight: Sight) -> Result<Self, String> {
        let mut walk = Walk { sight, reads: Self::default(), bound: Vec::new() };
        walk.node(expression, Input::Absent)?;
        Ok(walk.reads)
    }
}

/// Whether there is something that a name without a `$` is a field of. A whole expression has no input; a predicate, or the step
/// of a path, has the item it looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Input {
    Absent,
    Present,
}

struct Walk {
    sight: Sight,
    reads: Reads,
    /// The variables that the expression itself has bound so far: parameters of functions, and what `:=` assigns.
    bound: Vec<String>,
}

impl Walk {
    fn node(&mut self, node: &AstNode, input: Input) -> Result<(), String> {
        match node {
            AstNode::String(_)
            | AstNode::Number(_)
            | AstNode::Boolean(_)
            | AstNode::Null
            | AstNode::Undefined
            | AstNode::Placeholder
            | AstNode::Regex { .. } => Ok(()),
            AstNode::Name(name) if input == Input::Absent => {
                Err(format!("'{name}' is a field of nothing: there is no input document, only $states and variables"))
            }
            AstNode::Wildcard | AstNode::Descendant | AstNode::Parent(_) if input == Input::Absent => {
                Err("a wildcard over nothing: there is no input document, only $states and variables".to_owned())
            }
            AstNode::Name(_) | AstNode::Wildcard | AstNode::Descendant | AstNode::Parent(_) => Ok(()),
            AstNode::ParentVariable(_) => Err("$$ is not available in Step Functions".to_owned()),
            AstNode::Variable(name) => self.variable(name),
            AstNode::Path { steps } => self.path(steps, input),
            AstNode::Binary { op: BinaryOp::ColonEqual, lhs, rhs } => {
                // A function may call itself, any other value does not know its own name.
                let AstNode::Variable(name) = &**lhs else { return self.node(lhs, input) };
                if matches!(**rhs, AstNode::Lambda { .. }) {
                    self.bound.push(name.clone());
                }
                self.node(rhs, input)?;
                self.bound.push(name.clone());
                Ok(())
            }
            AstNode::Binary { lhs, rhs, .. } => {
                self.node(lhs, input)?;
                self.node(rhs, input)
            }
            AstNode::Unary { operand, .. } => self.node(operand, input),
            AstNode::Function { name, args, is_builtin } => {
                self.call(name, *is_builtin)?;
                self.all(args, input)
            }
            AstNode::Call { procedure, args } => {
                self.node(procedure, input)?;
                self.all(args, input)
            }
            AstNode::Lambda { params, body, .. } => {
                self.bound.extend(params.iter().cloned());
                self.node(body, input)
            }
            AstNode::Array(items) | AstNode::Block(items) | AstNode::ArrayGroup(items) => self.all(items, input),
            AstNode::Object(pairs) => self.pairs(pairs, input),
            AstNode::ObjectTransform { input: object, pattern } => {
                self.node(object, input)?;
                self.pairs(pattern, Input::Present)
            }
            AstNode::Conditional { condition, then_branch, else_branch } => {
                self.node(condition, input)?;
                self.node(then_branch, input)?;
                else_branch.as_ref().map_or(Ok(()), |branch| self.node(branch, input))
            }
            AstNode::FunctionApplication(inner) => self.node(inner, Input::Present),
            AstNode::Sort { input: sorted, terms } => {
                self.node(sorted, input)?;
                terms.iter().try_for_each(|(term, _)| self.node(term, Input::Present))
            }
            AstNode::Transform { location, update, delete } => {
                self.node(location, Input::Present)?;
                self.node(update, Input::Present)?;
                delete.as_ref().map_or(Ok(()), |delete| self.node(delete, Input::Present))
            }
        }
    }

    fn all(&mut self, nodes: &[AstNode], input: Input) -> Result<(), String> {
        nodes.iter().try_for_each(|node| self.node(node, input))
    }

    fn pairs(&mut self, pairs: &[(AstNode, AstNode)], input: Input) -> Result<(), String> {
        pairs.iter().try_for_each(|(name, value)| {
            self.node(name, input)?;
            self.node(value, input)
        })
    }

    fn path(&mut self, steps: &[PathStep], input: Input) -> Result<(), String> {
        for (index, step) in steps.iter().enumerate() {
            self.bound.extend(step.focus.iter().chain(&step.index_var).cloned());
            match &step.node {
                AstNode::Variable(name) if index == 0 && name == "states" => self.states(&steps[1..])?,
                node if index == 0 => self.node(node, input)?,
                node => self.node(node, Input::Present)?,
            }
            for stage in &step.stages {
                match stage {
                    Stage::Filter(filter) => self.node(filter, Input::Present)?,
                    Stage::KeepArray => {}
                    Stage::Index(name) => self.bound.push(name.clone()),
                }
            }
        }
        Ok(())
    }

    fn variable(&mut self, name: &str) -> Result<(), String> {
        match name {
            "" => Err("$ is not available in Step Functions".to_owned()),
            "states" => Err("$states is only read field by field, such as $states.input".to_owned()),
            _ if self.bound.iter().any(|bound| bound == name) => Ok(()),
            functions::NOW => {
                self.reads.tells_time = true;
                Ok(())
            }
            _ if functions::is_function(name) => {
                self.reads.parses |= name == functions::PARSE;
                Ok(())
            }
            _ => {
                self.reads.variables.insert(name.to_owned());
                Ok(())
            }
        }
    }

    fn call(&mut self, name: &str, has_dollar: bool) -> Result<(), String> {
        if !has_dollar {
            return Err(format!("{name}(…) calls nothing: functions are written with a $"));
        }
        if functions::is_function(name) || self.bound.iter().any(|bound| bound == name) {
            self.reads.parses |= name == functions::PARSE;
            return Ok(());
        }
        Err(functions::refusal(name))
    }

    /// `$states` with the steps after it.
    fn states(&mut self, steps: &[PathStep]) -> Result<(), String> {
        let name = |step: Option<&PathStep>| match step.map(|step| &step.node) {
            Some(AstNode::Name(name)) => Some(name.clone()),
            _ => None,
        };
        let Some(field) = name(steps.first()) else { return self.variable("states") };
        let exists = match field.as_str() {
            "input" | "context" => true,
            "result" => self.sight == Sight::Result,
            "errorOutput" => self.sight == Sight::ErrorOutput,
            _ => return Err(format!("$states has no field '{field}'")),
        };
        if !exists {
            return Err(format!("$states.{field} does not exist here"));
        }
        if field == "context"
            && let Some(object) = name(steps.get(1))
        {
            let known = CONTEXT.iter().find(|(known, _)| *known == object);
            let (_, fields) = known.ok_or_else(|| format!("$states.context has no field '{object}'"))?;
            if let Some(field) = name(steps.get(2))
                && !fields.contains(&field.as_str())
            {
                return Err(format!("$states.context.{object} has no field '{field}'"));
            }
        }
        self.reads.states.insert(field);
        Ok(())
    }
}
