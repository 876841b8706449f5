import unittest

import diagram


def task(**fields: object) -> dict:
    return {"Type": "Task", "Resource": "${StartDeploymentFunction}", **fields}


def catch(error: str, target: str) -> dict:
    return {"ErrorEquals": [error], "Next": target}


class Graph(unittest.TestCase):
    def lines(self, states: dict) -> list[str]:
        return diagram.graph({"States": states}).splitlines()

    def arrows(self, states: dict) -> list[str]:
        return [line.split(" color")[0] for line in self.lines(states) if "->" in line]

    def test_a_task_shows_its_function(self):
        lines = self.lines({"StartDeployment": task(Next="Done", Comment="Says \"mine\"."), "Done": {"Type": "Succeed"}})
        (node,) = [line for line in lines if line.startswith("StartDeployment [")]
        self.assertIn(r'label="StartDeployment\nstart-deployment"', node)
        self.assertIn(r'tooltip="Says \"mine\"."', node)

    def test_the_branches_of_a_choice_after_one_task_leave_the_task(self):
        states = {
            "A": task(Next="Which"),
            "Which": {
                "Type": "Choice",
                "Choices": [
                    {"Condition": "{% $answer.outcome = 'MINE' %}", "Next": "B"},
                    {"Condition": "{% $answer.error = 'Turnstile.TurnLost' %}", "Next": "B"},
                    {"Condition": "{% $n > 1 %}", "Next": "C"},
                    {"Condition": "{% $n < 0 %}", "Next": "C"},
                ],
                "Default": "D",
            },
            "B": {"Type": "Succeed"},
            "C": {"Type": "Succeed"},
            "D": {"Type": "Fail"},
        }
        expected = [r'A -> B [label="MINE\nTurnLost"]', r'A -> C [label="n > 1\nn < 0"]', 'A -> D [label=""]']
        self.assertEqual(self.arrows(states), expected)

    def test_a_label_is_short(self):
        rule = {"Condition": "{% $states.input.first < $count($plan.applications) %}", "Next": "B"}
        states = {"A": {"Type": "Choice", "Choices": [rule, {"Condition": "{% true %}", "Next": "C"}]}, "B": {"Type": "Succeed"}, "C": {"Type": "Fail"}}
        self.assertEqual(self.arrows(states), [r'A -> B [label="first <\ncount(plan.applications)"]', 'A -> C [label=""]'])

    def test_a_choice_that_several_states_lead_to_is_drawn(self):
        states = {
            "A": task(Next="Which"),
            "B": task(Next="Which"),
            "Which": {"Type": "Choice", "Choices": [{"Condition": "{% $x %}", "Next": "B"}], "Default": "C"},
            "C": {"Type": "Succeed"},
        }
        self.assertIn('B -> Which [dir=back label="x"]', self.arrows(states))

    def test_a_wait_that_goes_back_is_one_arrow(self):
        wait = {"Type": "Wait", "Seconds": 1}
        states = {"A": task(Next="Which"), "Which": {"Type": "Choice", "Choices": [{"Condition": "{% $busy %}", "Next": "W"}], "Default": "C"}, "W": wait | {"Next": "A"}, "C": {"Type": "Succeed"}}
        self.assertEqual(self.arrows(states), ['A -> W [dir=both label="busy"]', 'A -> C [label=""]'])

    def test_a_catch_that_three_states_share_leads_from_the_frame_around_them(self):
        states = {name: task(Next=following, Catch=[catch("States.ALL", "Failed")]) for name, following in ("AB", "BC", "CD")}
        states |= {"D": {"Type": "Succeed"}, "Failed": {"Type": "Fail"}}
        self.assertEqual(
            self.arrows(states),
            ['A -> B [label=""]', 'B -> C [label=""]', 'C -> D [label=""]', 'C -> Failed [ltail=cluster_frame label="any error" style=dashed'],
        )
        frame = "\n".join(self.lines(states)).split("subgraph cluster_frame {")[1].split("\n}")[0]
        self.assertIn("\nC [", frame)
        self.assertNotIn("\nD [", frame)

    def test_a_catch_of_its_own_is_an_arrow(self):
        states = {"A": task(Next="B", Catch=[catch("Turnstile.TurnLost", "C"), catch("States.ALL", "B")]), "B": {"Type": "Succeed"}, "C": {"Type": "Fail"}}
        self.assertEqual(self.arrows(states), ['A -> B [label="or any error"]', 'A -> C [label="TurnLost" style=dashed'])

    def test_refuses_what_it_cannot_draw(self):
        with self.assertRaisesRegex(SystemExit, "Each is a Map"):
            self.lines({"Each": {"Type": "Map", "Next": "Each"}})


if __name__ == "__main__":
    unittest.main()
