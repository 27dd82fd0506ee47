"""Where one stands (``{a}``), what one faces (``{b}``) and what is asked for (``{c}``), in words.

Written in one go before the reader of such words was; LATER and WITH_MORE_WORDS came after it.
"""

from __future__ import annotations

SIDES = (
    (
        "Picture yourself seated on the {a} with the {b} right in front of you. Would the {c} be "
        "to your left or your right?"
    ),
    (
        "You walk over to the {a} and turn to face the {b}; is the {c} now on your left or on "
        "your right?"
    ),
    (
        "With your back against the {a} and your gaze fixed on the {b}, do you find the {c} on "
        "the left or on the right?"
    ),
    (
        "From the {a}'s position, looking straight at the {b}, which side is the {c} on: left or "
        "right?"
    ),
    "A person waiting beside the {a} looks across at the {b}. Is the {c} to their left or right?",
    (
        "If the {b} is straight ahead of someone who stands next to the {a}, on which hand is the"
        " {c}, left or right?"
    ),
    "Left or right: where is the {c} for a viewer at the {a} who is facing the {b}?",
    "Is the {c} on my left or on my right when I am at the {a} and the {b} is directly before me?",
    (
        "The robot parks by the {a} with its camera pointed at the {b}. Will the {c} show up on "
        "its left or its right?"
    ),
    "Take the viewpoint of the {a} and look towards the {b}. Left or right, where is the {c}?",
    "When I face the {b} from the {a}, does the {c} end up on my left or my right?",
    "Looking from the {a} in the direction of the {b}, is the {c} left or right?",
    "Looking at the {b} while standing by the {a}, do I have the {c} to my left or to my right?",
    (
        "Suppose the {a} is where you are and the {b} is what you look at. Is the {c} to the left"
        " or right?"
    ),
    "You've positioned yourself near the {a}, oriented towards the {b}. The {c}: left or right?",
    (
        "Imagine lying on the {a} with your feet pointing to the {b}; is the {c} at your left or "
        "right hand?"
    ),
    "I'm leaning on the {a}, staring at the {b}. Should I turn left or right to see the {c}?",
    (
        "Someone standing where the {a} is has the {b} in front of them. Is the {c} to the left "
        "or to the right of that person?"
    ),
    (
        "Heading from the {a} straight towards the {b}, would you pass the {c} on your left or on"
        " your right?"
    ),
    (
        "To reach the {b} from the {a} you walk straight ahead. Is the {c} left or right of your "
        "starting direction?"
    ),
    (
        "Stand so that the {a} is right beside you and the {b} is ahead. Which side is the {c}, "
        "left or right?"
    ),
    (
        "If you stood at the {a} and looked directly towards the {b}, would the {c} appear on "
        "your left-hand side or your right-hand side?"
    ),
    (
        "A visitor enters the scene at the {a}, facing the {b}. On which side do they notice the "
        "{c}, left or right?"
    ),
    "With the {b} ahead and the {a} as your standing spot, is the {c} left or right?",
    (
        "Being at the {a} and having the {b} in view right in front, tell whether the {c} is on "
        "the left or the right."
    ),
    (
        "In relation to a viewer at the {a} whose line of sight goes to the {b}, is the {c} on "
        "the left or right?"
    ),
    "Do I need to turn left or right to look at the {c} if I'm by the {a} facing toward the {b}?",
    (
        "From my place at the {a}, my eyes rest on the {b}. Is the {c} to the left or to the "
        "right of me?"
    ),
    "Facing the {b}, with the {a} being where I stand, is the {c} to my left or right?",
    "Let your nose point at the {b} while you are at the {a}. Is the {c} on the left or right?",
)

QUARTERS = (
    (
        "Starting at the {a} and looking to the {b}, in which quadrant would you place the {c}: "
        "front-left, front-right, back-left or back-right?"
    ),
    (
        "You stand at the {a}. The {b} is directly ahead. Where is the {c}: front-left, front-"
        "right, back-left, or back-right?"
    ),
    (
        "Consider an observer located at the {a}, facing the {b}. Relative to them, is the {c} "
        "front-left, front-right, back-left or back-right?"
    ),
    (
        "If I take up a position at the {a} and point myself at the {b}, does the {c} fall to my "
        "front-left, front-right, back-left or back-right?"
    ),
    (
        "The {c} is in which direction (front-left, front-right, back-left, back-right) for "
        "somebody standing by the {a} and looking toward the {b}?"
    ),
    (
        "With your eyes on the {b} and your feet next to the {a}, is the {c} front-left, front-"
        "right, back-left or back-right of you?"
    ),
    (
        "Treat the {a} as the origin and the direction to the {b} as forward. Is the {c} front-"
        "left, front-right, back-left or back-right?"
    ),
    (
        "Sitting at the {a}, facing the {b}: which quadrant holds the {c}, front-left, front-"
        "right, back-left or back-right?"
    ),
    (
        "Say you're standing near the {a} and the {b} lies ahead of you. Which best describes "
        "where the {c} is: front-left, front-right, back-left, back-right?"
    ),
    (
        "Would someone at the {a} turned towards the {b} find the {c} at their front-left, front-"
        "right, back-left or back-right?"
    ),
    (
        "Beside the {a}, looking at the {b}, I see the {c} where: front-left, front-right, back-"
        "left or back-right?"
    ),
    (
        "Locate the {c} (front-left, front-right, back-left or back-right) as seen by a person "
        "who is at the {a} and faces the {b}."
    ),
)

SIDES_OR_BACK = (
    "Standing by the {a} and looking at the {b}, must I turn left, right or back to face the {c}?",
    (
        "I am at the {a}; my gaze is directed at the {b}. Is the {c} to my left, to my right, or "
        "behind me?"
    ),
    (
        "A robot at the {a} faces the {b}. In which direction must it turn to face the {c}: left,"
        " right or back?"
    ),
    (
        "If you stop at the {a} with the {b} in front, is the {c} on your left, on your right or "
        "at your back?"
    ),
    (
        "Suppose I'm beside the {a} with my face towards the {b}. Where is the {c}: left, right, "
        "or back?"
    ),
    "Looking out from the {a} to the {b}, would the {c} be left, right or behind?",
    (
        "When someone at the {a} is looking in the direction of the {b}, is the {c} to the left, "
        "to the right or at the back?"
    ),
    (
        "Stand where the {a} is. Turn until you face the {b}. Which way is the {c}: left, right "
        "or back?"
    ),
    "With the {b} before you and you at the {a}, does the {c} lie left, right or behind?",
    (
        "You are positioned in front of the {a}, attention on the {b}. Is the {c} to the left, "
        "right or back of you?"
    ),
)

DEGREES = (
    (
        "Standing at the {a} and facing the {b}, how many degrees counter-clockwise must you turn"
        " to face the {c}?"
    ),
    (
        "At the {a}, looking toward the {b}: by how many degrees (counter-clockwise) do you "
        "rotate until the {c} is straight ahead?"
    ),
    (
        "From the {a}, I look at the {b} and then turn counter-clockwise to look at the {c}. "
        "Through how many degrees do I turn?"
    ),
)

LATER = (
    (
        "My friend sits on the {a} and watches the {b}. Which of her hands is closer to the {c}, "
        "the left or the right one?"
    ),
    (
        "Having walked up to the {a}, I turn myself round so that the {b} is dead ahead. Do I now"
        " have the {c} left or right of me?"
    ),
    "For a person by the {a} who keeps looking at the {b}, where does the {c} lie: left or right?",
    (
        "Draw an arrow from the {a} to the {b}. Does the {c} lie on the left or on the right of "
        "that arrow?"
    ),
    (
        "Start at the {a}, walk in the direction of the {b}: the {c} will be on which side, left "
        "or right?"
    ),
    (
        "Let us say you rest against the {a} and study the {b}. The {c} would then be to your "
        "left or right?"
    ),
    (
        "Imagine that you are the {a} and that you look at the {b}. Would you see the {c} to the "
        "left or right?"
    ),
    (
        "A guest who has stopped next to the {a} is admiring the {b}. Should she look left or "
        "right for the {c}?"
    ),
    (
        "You have the {b} before your eyes and the {a} at your elbow. Is the {c} on the left or "
        "on the right?"
    ),
    (
        "If someone calls you from the {c} while you stand at the {a} facing the {b}, does the "
        "voice come from the left or the right?"
    ),
    (
        "The {b} is what I see straight ahead from the {a}. Would I point left or right to show "
        "somebody the {c}?"
    ),
    (
        "Viewed from the {a}, with the {b} as the reference for straight ahead, is the {c} to the"
        " left or to the right?"
    ),
    (
        "With the {a} as your location and the {b} as your heading, on which side does the {c} "
        "fall, left or right?"
    ),
    "While I'm busy at the {a}, facing towards the {b}, the {c} is on my ... left or right?",
    (
        "Put yourself at the {a}. Fix your eyes on the {b}. Then tell me if the {c} is on your "
        "left or right."
    ),
    (
        "Once you are next to the {a} and look toward the {b}, will you notice the {c} on your "
        "left or your right?"
    ),
    "The direction from the {a} to the {b} counts as straight ahead. Is the {c} left or right?",
    "Which side would the {c} be on, left or right, if you stood at the {a} and faced the {b}?",
    "To get to the {c} from the {a} when you are facing the {b}, do you turn left or right first?",
    (
        "Say I'm sitting by the {a}. In front of me I see the {b}. Do I find the {c} to the left "
        "or right?"
    ),
    "Your position: the {a}. Your gaze: the {b}. Is the {c} left or right?",
    (
        "Someone leans against the {a} and points a torch at the {b}; is the {c} to the left or "
        "to the right of the beam?"
    ),
    "Seen by a viewer at the {a} who looks in the {b}'s direction, is the {c} left or right?",
    (
        "When the robot has docked at the {a} and its front points to the {b}, is the {c} on the "
        "robot's left or right?"
    ),
    "After you sit down at the {a} and turn towards the {b}, which way is the {c}, left or right?",
    (
        "Facing away from the {a} and towards the {b}, is the {c} on your left or right if you "
        "are standing at the {a}?"
    ),
    (
        "Were I to stand at the {a} with the {b} in my line of sight, would the {c} be at my left"
        " or at my right?"
    ),
)

# More is said than who stands where.
WITH_MORE_WORDS = (
    (
        "Standing at the {a}, which is close to the {b} in the corner, and facing the {b}, is the"
        " {c} on my left or right? Ignore the other things near the {c}."
    ),
    (
        "The {c} is next to the wall. If I stand by the {a} and face the {b}, is it to my left or"
        " my right?"
    ),
    (
        "There is a {c} in this room. Standing by the {a} and facing the {b}, would I see that "
        "{c} on the left or on the right?"
    ),
    (
        "I stand at the {a} and face the {b}. Someone walks from the {b} to the {c}. Do they go "
        "to my left or to my right?"
    ),
    (
        "You are at the {a}. The {b} is in front of you, the {c} somewhere to the side. Which "
        "side, left or right?"
    ),
    "You face the {b} from the {a}. If you turned to face the {c}, would you turn left or right?",
    (
        "Standing at the {a}, I face the {b}. I then turn to look at the {c}. Did I turn left or "
        "right?"
    ),
    (
        "Suppose you are beside the {a} and facing the {b}. You want to walk to the {c}. Do you "
        "have to turn left or right?"
    ),
    "Does someone at the {a} who is facing the {b} have to turn left or right to go to the {c}?",
    "Facing the {b} from the {a}, left or right to reach the {c}?",
    (
        "Is it left or right that you turn, standing at the {a} with your front to the {b}, to "
        "get the {c} in front of you?"
    ),
    (
        "While you stand at the {a}, the {b} lies straight in front. You turn until the {c} is in"
        " front of you. Was that to the left or right?"
    ),
)
