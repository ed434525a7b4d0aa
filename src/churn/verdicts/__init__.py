"""The judge for others: what carries out a rollout elsewhere asks for a verdict. docs/kubernetes.md describes it.

analysis.py   what is known since an analysis began, and the verdict on it
questions.py  what Argo Rollouts and Flagger ask
app.py        answers them, behind a token
server.py     the app as a process
"""
