"""From a question to an answer: route, compose, retrieve, prompt, generate, cite."""
