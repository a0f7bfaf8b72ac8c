use crate::roff::{literal, text, variable};

/// The members of the interfaces in an introspection file, with what is said about each.
///
/// It reads the files of `dbus/`, which are as our daemons write them: an element a line.
pub(crate) fn members(xml: &str) -> String {
    let (mut page, mut said) = (String::new(), String::new());
    let mut member: Option<Member> = None;
    let mut in_comment = false;
    for line in xml.lines().map(str::trim) {
        if in_comment {
            in_comment = line != "-->";
            if in_comment {
                said.extend([&text(line), "\n"]);
            }
            continue;
        }
        if line == "<!--" {
            (in_comment, said) = (true, String::new());
            continue;
        }
        let name = attribute(line, "name").unwrap_or_default();
        let kind = attribute(line, "type").unwrap_or_default();
        let (element, _) = line.split_once(' ').unwrap_or((line, ""));
        match element {
            "<interface" => page.extend([".SH ", &text(name), "\n"]),
            "<property" => {
                let changes = match attribute(line, "access") {
                    Some("readwrite") => ", may be set",
                    _ => "",
                };
                let head = format!("property {} {}{changes}", literal(name), variable(kind));
                page.extend([".TP\n", &head, "\n", &said]);
            }
            "<method" | "<signal" => {
                member = Some(Member {
                    head: format!("{} {}", &element[1..], literal(name)),
                    arguments: [Vec::new(), Vec::new()],
                    said: std::mem::take(&mut said),
                });
            }
            "<arg" => {
                if let Some(member) = &mut member {
                    let is_answer = attribute(line, "direction") == Some("out");
                    let argument = format!("{} {}", text(name), variable(kind));
                    member.arguments[usize::from(is_answer)].push(argument.trim().to_owned());
                }
            }
            "</method>" | "</signal>" => {
                if let Some(member) = member.take() {
                    page += &member.shown();
                }
            }
            _ => {}
        }
    }
    page
}

/// A method or a signal that is being read.
struct Member {
    head: String,
    /// Those that go in, and those that come out.
    arguments: [Vec<String>; 2],
    said: String,
}

impl Member {
    fn shown(&self) -> String {
        let [into, out] = self.arguments.each_ref().map(|list| list.join(", "));
        let answer = if out.is_empty() {
            String::new()
        } else {
            format!(" gives {out}")
        };
        let said = if self.said.is_empty() {
            "\\&\n"
        } else {
            &self.said
        };
        format!(".TP\n{}({into}){answer}\n{said}", self.head)
    }
}

/// The value of an element's attribute.
fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_shown_with_their_types_and_what_is_said() {
        let xml = "<interface name=\"a.B\">\n<!--\n Finds it.\n-->\n<method name=\"Find\">\n\
                   <arg name=\"name\" type=\"s\" direction=\"in\"/>\n<arg type=\"o\" direction=\"out\"/>\n</method>\n\
                   <!--\n How many.\n-->\n<property name=\"Count\" type=\"u\" access=\"read\"/>\n</interface>";
        assert_eq!(
            members(xml),
            ".SH a.B\n.TP\nmethod \\fBFind\\fR(name \\fIs\\fR) gives \\fIo\\fR\nFinds it.\n.TP\nproperty \
             \\fBCount\\fR \\fIu\\fR\nHow many.\n"
        );
    }
}
